#[waterway::consumer]
struct Room;

fn main() {}
