#[waterway::consumer]
async fn receive(text: &str) -> String {
    text.to_owned()
}

fn main() {}
