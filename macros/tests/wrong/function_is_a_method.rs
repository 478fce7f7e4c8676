struct Rooms;

impl Rooms {
    #[waterway::consumer]
    async fn receive(&self) {}
}

fn main() {}
