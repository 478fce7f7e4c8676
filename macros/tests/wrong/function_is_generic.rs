#[waterway::consumer]
async fn receive<T: waterway::FromMessage>(_: T) {}

fn main() {}
