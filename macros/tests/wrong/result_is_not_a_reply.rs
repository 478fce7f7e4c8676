#[waterway::consumer]
async fn receive() -> u64 {
    7
}

fn main() {}
