//! The endpoints of OAuth 2.0, which take no key, take forms, and answer as RFC 6749 says: no operations of the API, so they are described here.

use serde_json::{Map, Value, json};

use super::document::reference;
use crate::http::oauth::metadata;
use crate::oauth::{REDIRECT_URI_CHARS_MAX, STATE_CHARS_MAX};

/// Characters of an API key in a form, at least those of one.
const KEY_EXAMPLE: &str = "tl_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0";
const CLIENT: &str = "oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a";
const CALLBACK: &str = "https://crm.example/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How a client gets in, for tools that can do it.
pub(super) fn scheme() -> Value {
    let scopes = json!({
        "read_only": "Reading",
        "read_write": "Also creating, changing, activating, and messages",
        "full_access": "Everything, deleting and keys included",
    });
    json!({
        "type": "oauth2",
        "description": "Access tokens take the place of API keys. Codes need PKCE with S256.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize", "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token", "scopes": scopes.clone(),
            },
            "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes},
        },
    })
}

/// Adds the endpoints to the document's paths.
pub(super) fn describe(paths: &mut Map<String, Value>) {
    paths.insert("/oauth/authorize".to_owned(), json!({"get": authorize(), "post": decide()}));
    paths.insert("/oauth/token".to_owned(), json!({"post": token()}));
    paths.insert("/oauth/revoke".to_owned(), json!({"post": revoke()}));
    paths.insert("/oauth/jwks".to_owned(), json!({"get": jwks()}));
    let metadata = json!({"get": metadata_of_the_server()});
    paths.insert("/.well-known/oauth-authorization-server".to_owned(), metadata);
}

fn operation(id: &str, summary: &str, description: &str, rest: Value) -> Value {
    let mut described = json!({
        "operationId": id, "tags": ["oauth"], "summary": summary, "description": description, "security": [],
    });
    if let (Some(all), Value::Object(rest)) = (described.as_object_mut(), rest) {
        all.extend(rest);
    }
    described
}

fn authorize() -> Value {
    let parameter = |name: &str, required: bool, description: &str, schema: Value| json!({"name": name, "in": "query", "required": required, "description": description, "schema": schema});
    let text = |chars_max: usize, example: &str| json!({"type": "string", "minLength": 1, "maxLength": chars_max, "examples": [example]});
    let parameters = json!([
        parameter(
            "response_type",
            true,
            "How the client is answered",
            json!({"type": "string", "enum": ["code"]})
        ),
        parameter("client_id", true, "The `id` of the client", text(100, CLIENT)),
        parameter(
            "redirect_uri",
            false,
            "Where to go back to: one that the client is registered with. May be left out when there is only one",
            text(REDIRECT_URI_CHARS_MAX, CALLBACK)
        ),
        parameter(
            "scope",
            false,
            "Levels, separated by blanks, of which the highest counts; `read_only` unless given",
            text(100, "read_write")
        ),
        parameter("state", false, "Given back as it is", text(STATE_CHARS_MAX, "af0ifjsldkj")),
        parameter(
            "code_challenge",
            true,
            "The SHA-256 of the `code_verifier` in base64url (RFC 7636)",
            json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$", "examples": [CHALLENGE]})
        ),
        parameter(
            "code_challenge_method",
            true,
            "How the challenge is made",
            json!({"type": "string", "enum": ["S256"]})
        ),
    ]);
    operation(
        "authorize",
        "Ask for consent",
        "The page to which a client sends its user (RFC 6749 §4.1). Whoever decides shows a full-access API key of the account there, which the client does not get. \
         What is wrong with a request is told to the client at its `redirect_uri`, with `state` and `iss`; while that is not sure to be the client's, it is told on a page.",
        json!({"parameters": parameters, "responses": pages("The page with the form")}),
    )
}

fn decide() -> Value {
    let properties = json!({
        "request": {"type": "string", "minLength": 1, "description": "What the page was shown for, signed"},
        "decision": {"type": "string", "enum": ["allow", "deny"]},
        "api_key": {"type": "string", "description": "A full-access key of the client's account; needed to allow"},
    });
    let example = json!({"request": "eyJ…", "decision": "allow", "api_key": KEY_EXAMPLE});
    operation(
        "decideAuthorization",
        "Decide",
        "Where the form of the page is sent. The browser goes back to the client with a `code`, which is good once and for a minute, or with an `error`. A code is in the audit log as `authorizeOAuthClient`. \
         What comes of it lasts no longer than the key that was shown: when that is revoked or its time is over, all of it ends; a rotation ends nothing.",
        json!({"requestBody": form(&properties, &["request", "decision"], &example), "responses": pages("None: it ends elsewhere")}),
    )
}

fn token() -> Value {
    let properties = json!({
        "grant_type": {"type": "string", "enum": ["authorization_code", "refresh_token", "client_credentials"]},
        "code": {"type": "string", "description": "Of `authorization_code`"},
        "redirect_uri": {"type": "string", "description": "The same as in the authorization request, if it was there"},
        "code_verifier": {"type": "string", "description": "What the `code_challenge` was made of (RFC 7636)"},
        "refresh_token": {"type": "string", "description": "Of `refresh_token`: good once. One that comes twice ends its whole family"},
        "scope": {"type": "string", "description": "Of `refresh_token` and `client_credentials`: at most what was granted"},
        "client_id": {"type": "string", "description": "Of a public client, and of one that does not use HTTP Basic"},
        "client_secret": {"type": "string", "description": "Of a confidential client that does not use HTTP Basic"},
    });
    let example = json!({"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "tls_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0"});
    let given = json!({
        "access_token": "eyJ…", "token_type": "Bearer", "expires_in": 600,
        "refresh_token": "tlr_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0", "scope": "read_write",
    });
    let mut responses = refusals();
    responses.insert("200".to_owned(), answer("The tokens", "OAuthTokens", &given));
    operation(
        "getTokens",
        "Get tokens",
        "For a code, a refresh token, or a confidential client's own secret (RFC 6749 §3.2). An access token is good for ten minutes, as `Authorization: Bearer`, wherever an API key is; \
         its requests count against the limits of its client. A refresh token is good once, for 30 days; of one consent there are 240 in an hour at most, then 429. \
         Scripts in browsers may call here and at `/oauth/revoke`, `/oauth/jwks` and the metadata when the operator names their site.",
        json!({"requestBody": form(&properties, &["grant_type"], &example), "responses": responses}),
    )
}

fn revoke() -> Value {
    let properties = json!({
        "token": {"type": "string", "minLength": 1, "description": "An access or refresh token"},
        "token_type_hint": {"type": "string", "description": "Not needed"},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
    });
    let example = json!({"token": "tlr_Qm4xZ0vB7tR2nK9sH5wL8cJ1pD6fG3aY00uXEr2l0", "client_id": CLIENT});
    let mut responses = refusals();
    responses
        .insert("200".to_owned(), json!({"description": "It is good for nothing any more, or never was"}));
    operation(
        "revokeToken",
        "Revoke a token",
        "Ends a token's whole family (RFC 7009): within a second every gateway refuses it.",
        json!({"requestBody": form(&properties, &["token"], &example), "responses": responses}),
    )
}

fn jwks() -> Value {
    let key = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "6f2b1c52-91d4-4b7e-a3c5-0d8e74f192ab",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let mut responses = refusals();
    responses.retain(|status, _| ["429", "500", "503"].contains(&status.as_str()));
    responses.insert("200".to_owned(), answer("The keys", "OAuthKeys", &json!({"keys": [key]})));
    responses.insert("304".to_owned(), json!({"description": "`If-None-Match` names what is still so"}));
    let description = "Public keys that access tokens are signed with: the present one, the next one when it is there, and those before while their tokens are good.";
    operation("getSigningKeys", "Get the signing keys", description, json!({"responses": responses}))
}

fn metadata_of_the_server() -> Value {
    let responses = json!({
        "200": answer("What it can do", "OAuthMetadata", &metadata::of("https://api.example.com")),
        "304": {"description": "`If-None-Match` names what is still so"},
        "429": refusal("The address sends too many requests at once"),
    });
    operation(
        "getAuthorizationServer",
        "Get the server's metadata",
        "RFC 8414.",
        json!({"responses": responses}),
    )
}

fn form(properties: &Value, required: &[&str], example: &Value) -> Value {
    let schema = json!({"type": "object", "required": required, "properties": properties});
    json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": schema, "example": example}}})
}

/// Pages for people; 303 leads to the client.
fn pages(shown: &str) -> Value {
    let page = |description: &str| json!({"description": description, "content": {"text/html": {"schema": {"type": "string"}}}});
    json!({
        "200": page(shown),
        "303": {"description": "Back to the client", "headers": {"Location": {"$ref": "#/components/headers/Location"}}},
        "400": page("What is wrong with the request"),
        "403": page("The key does not allow it; the form is there again"),
        "413": page("The form is too long"),
        "414": page("The request is too long"),
        "415": page("It is no form"),
        "429": {
            "description": "Too many requests",
            "content": {"text/html": {"schema": {"type": "string"}}, "application/json": {"schema": reference("Error")}},
        },
        "500": page("A fault of Turnloom"),
        "503": page("Keys or clients cannot be looked up"),
    })
}

fn answer(description: &str, schema: &str, example: &Value) -> Value {
    json!({
        "description": description,
        "content": {"application/json": {"schema": reference(schema), "example": example}},
    })
}

fn refusal(description: &str) -> Value {
    let schema = json!({"anyOf": [reference("OAuthError"), reference("Error")]});
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn refusals() -> Map<String, Value> {
    let described = [
        (
            "400",
            "`invalid_request`, `invalid_grant`, `invalid_scope`, `unauthorized_client` or `unsupported_grant_type`",
        ),
        ("401", "`invalid_client`: the client is not known, or its secret is not right"),
        ("413", "The form is too long"),
        ("415", "It is no form"),
        ("429", "Too many requests of the client or its address"),
        ("500", "A fault of Turnloom"),
        ("503", "The database is away"),
    ];
    described.into_iter().map(|(status, description)| (status.to_owned(), refusal(description))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_fits_its_schema() {
        let components = super::super::document::document()["components"].clone();
        let mut paths = Map::new();
        describe(&mut paths);
        let mut seen = 0;
        for item in
            paths.values().flat_map(|path| path.as_object().into_iter().flatten()).map(|(_, item)| item)
        {
            let contents =
                [item["requestBody"]["content"].clone(), item["responses"]["200"]["content"].clone()];
            for content in contents.iter().flat_map(|content| content.as_object().into_iter().flatten()) {
                let (schema, example) = (&content.1["schema"], &content.1["example"]);
                if example.is_null() {
                    continue;
                }
                let mut schema = schema.clone();
                schema["components"] = components.clone();
                let validator = jsonschema::draft202012::new(&schema).unwrap();
                let errors: Vec<String> =
                    validator.iter_errors(example).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{example}: {errors:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, 6);
    }
}
