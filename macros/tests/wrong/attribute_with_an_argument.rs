#[waterway::consumer(queue = "images")]
async fn receive() {}

fn main() {}
