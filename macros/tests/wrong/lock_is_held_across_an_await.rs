use std::sync::Mutex;

static COUNT: Mutex<u64> = Mutex::new(0);

#[waterway::consumer]
async fn receive() -> String {
    let mut count = COUNT.lock().unwrap();
    std::future::ready(()).await;
    *count += 1;
    count.to_string()
}

fn main() {}
