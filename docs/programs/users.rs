use caretoken::{Client, Error, Parchment};
use std::collections::HashMap;
use std::env::var;
use std::sync::Mutex;

/// A client for each acting user, on one set of connections.
struct ClientsOfUsers {
    first: Client,
    by_user: Mutex<HashMap<String, Client>>,
}

impl ClientsOfUsers {
    /// The client of this user, made at the first call. A clone of a client is the same client.
    fn of(&self, user_id: &str) -> Result<Client, Error> {
        let mut by_user = self.by_user.lock().unwrap(); // never held while a token is fetched
        if let Some(client) = by_user.get(user_id) {
            return Ok(client.clone());
        }
        let client = self.first.sibling().set("user_id", user_id)?.build()?;
        by_user.insert(user_id.to_owned(), client.clone());
        Ok(client)
    }

    /// Call it when the user leaves: the token is wiped when its last holder is gone.
    fn forget(&self, user_id: &str) {
        self.by_user.lock().unwrap().remove(user_id);
    }
}

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
    .scopes(["read:patient"]);
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let users = ClientsOfUsers { first: builder.build()?, by_user: Mutex::default() };

    let user_id = var("PARCHMENT_USER_ID")?;
    let first = users.of(&user_id)?.token()?; // fetched
    let second = users.of(&user_id)?.token()?; // the cached one
    let same = first.access_token().expose_secret() == second.access_token().expose_secret();
    println!("{}", if same { "one token" } else { "two tokens" });
    users.forget(&user_id);
    Ok(())
}
