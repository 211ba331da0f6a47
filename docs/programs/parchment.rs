use caretoken::{Client, Parchment};
use std::env::var;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::builder(Parchment {
        base_url: var("PARCHMENT_BASE_URL")?,
        partner_id: var("PARCHMENT_PARTNER_ID")?,
        partner_secret: var("PARCHMENT_PARTNER_SECRET")?.into(),
        organization_id: var("PARCHMENT_ORGANIZATION_ID")?,
        organization_secret: var("PARCHMENT_ORGANIZATION_SECRET")?.into(),
        user_id: var("PARCHMENT_USER_ID")?,
        ..Parchment::default()
    })
    .scopes(["create:patient", "read:patient", "delete:user"]);
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let client = builder.build()?;

    let token = client.token()?;
    // A scope that is not granted is no error at Parchment: look.
    for scope in token.missing_scopes() {
        println!("not granted: {scope}");
    }
    // Calls with the token also need the header x-organization-secret.
    println!("a token of {} bytes", token.access_token().expose_secret().len());
    Ok(())
}
