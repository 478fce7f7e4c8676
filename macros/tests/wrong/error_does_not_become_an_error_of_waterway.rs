struct Refused;

#[waterway::consumer]
async fn receive() -> Result<String, Refused> {
    Err(Refused)
}

fn main() {}
