async fn receive(count: u64) -> String {
    count.to_string()
}

fn main() {
    let _ = waterway::Registry::new().function("receive", receive);
}
