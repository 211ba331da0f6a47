use caretoken::{Client, Edvak, Secret};
use std::env::var;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::builder(Edvak {
        base_url: var("EDVAK_BASE_URL")?,
        client_id: var("EDVAK_CLIENT_ID")?,
        client_secret: var("EDVAK_CLIENT_SECRET")?.into(),
        username: var("EDVAK_USERNAME")?,
        password: var("EDVAK_PASSWORD")?.into(),
    });
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let client = builder.build()?;

    // Do not try again in a loop: each refused password counts towards a locked account.
    let token = client.token()?;
    let tenant = token.extra("tenant").unwrap_or_default();
    println!(
        "a token of {} bytes for the tenant {tenant}",
        token.access_token().expose_secret().len()
    );

    // When a person has typed a new login, both go in together.
    let (name, password) = (var("EDVAK_USERNAME")?, var("EDVAK_PASSWORD")?);
    client.set_credentials([("username", Secret::from(name)), ("password", password.into())])?;
    Ok(())
}
