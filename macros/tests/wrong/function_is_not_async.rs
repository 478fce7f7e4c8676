#[waterway::consumer]
fn receive() -> String {
    "hi".to_owned()
}

fn main() {}
