struct Room(String);

#[waterway::consumer]
async fn receive(waterway::Path(room): waterway::Path<Room>) -> String {
    room.0
}

fn main() {}
