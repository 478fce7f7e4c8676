use std::collections::HashMap;

use waterway::Text;

#[waterway::consumer]
async fn receive(Text(text): Text, headers: HashMap<String, String>) -> String {
    format!("{text} {headers:?}")
}

fn main() {}
