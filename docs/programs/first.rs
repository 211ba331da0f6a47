use caretoken::{Client, Pattern};
use std::env::var;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::builder(Pattern {
        base_url: var("PATTERN_BASE_URL")?,
        client_id: var("PATTERN_CLIENT_ID")?,
        client_secret: var("PATTERN_CLIENT_SECRET")?.into(),
    })
    .timeout(Duration::from_secs(10));
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    // Make one client for each set of credentials, keep it, and share it between threads.
    let client = builder.build()?;

    let token = client.token()?; // cached, or fetched; blocks at most the timeout
    println!("a token of {} bytes", token.access_token().expose_secret().len());
    // Send token.authorization().expose_secret() as the Authorization header; on a 401 call
    // client.reject(&token), and ask for another.
    Ok(())
}
