use caretoken::{Client, Profile};
use std::env::var;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: own_vendor PROFILE.json")?;
    let profile = Profile::from_file(path)?;
    let mut builder = Client::builder(profile.clone());
    // What the profile asks for, from the environment: ACME_API_KEY for `api_key` of `acme`.
    for parameter in profile.parameters() {
        let variable = format!("{}_{}", profile.name(), parameter.name()).replace('-', "_");
        if let Ok(value) = var(variable.to_uppercase()) {
            builder = builder.set(parameter.name(), value)?;
        }
    }
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let client = builder.build()?;

    let token = client.token()?;
    // Mostly `authorization` and `Bearer …`; the profile may say otherwise.
    println!("{}: {} bytes", token.header(), token.authorization().expose_secret().len());
    Ok(())
}
