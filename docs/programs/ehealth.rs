use caretoken::{Client, Ehealth, EventKind, Secret};
use std::env::var;
use std::time::{Duration, UNIX_EPOCH};

/// Your database. It returns when the token is stored durably, or why it could not be.
fn store(refresh_token: &Secret) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    println!("stored a refresh token of {} bytes", refresh_token.expose_secret().len());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::builder(Ehealth {
        base_url: var("EHEALTH_BASE_URL")?,
        client_id: var("EHEALTH_CLIENT_ID")?,
        client_secret: var("EHEALTH_CLIENT_SECRET")?.into(),
        refresh_token: var("EHEALTH_REFRESH_TOKEN")?.into(),
        // The gateway's keys, where it asks for them.
        custom_psk: var("EHEALTH_CUSTOM_PSK").ok().map(Into::into),
        api_key: var("EHEALTH_API_KEY").ok().map(Into::into),
    })
    .on_rotation(store)
    .on_event(|event| {
        if event.kind == EventKind::SignInDue {
            eprintln!("ask the person to sign in again: {event}");
        }
    });
    // When the refresh token ends, as far as your database knows.
    if let Ok(end) = var("EHEALTH_REFRESH_TOKEN_EXPIRES_AT_MS") {
        builder =
            builder.refresh_token_expires_at(UNIX_EPOCH + Duration::from_millis(end.parse()?));
    }
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let client = builder.build()?;

    let token = client.token()?;
    let user = token.extra("user_id").unwrap_or_default();
    println!("a token of {} bytes for the user {user}", token.access_token().expose_secret().len());
    Ok(())
}
