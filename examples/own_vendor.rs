//! A token from a vendor that caretoken does not know: `northside.json`, beside this file, describes
//! its endpoint. The README says how to run this against the sandbox.

use std::env;

use caretoken::{Client, Profile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let profile = Profile::from_file("examples/northside.json")?;
    let mut builder = Client::builder(profile)
        .set("base_url", env::var("NORTHSIDE_BASE_URL")?)?
        .set("api_key", env::var("NORTHSIDE_API_KEY")?)?;
    if let Ok(ca_file) = env::var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let token = builder.build()?.token()?;
    let bytes = token.access_token().expose_secret().len();
    println!("a token of {bytes} bytes, for the header {}", token.header());
    Ok(())
}
