use waterway::Options;

#[derive(serde::Deserialize)]
struct Shout {
    marks: usize,
}

#[waterway::consumer]
async fn receive(options: Options<Shout>) -> String {
    "!".repeat(options.marks)
}

fn main() {}
