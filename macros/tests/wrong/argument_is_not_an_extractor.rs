#[waterway::consumer]
async fn receive(count: u64) -> String {
    count.to_string()
}

fn main() {}
