import Authentication
import Configuration

extension BearerTokenAuthenticator.Configuration {
  /// Reads `extensions: bearertokenauth:`.
  init(_ section: ConfigSection) {
    self.init()
    scheme = section.string("scheme", default: scheme)
    header = section.string("header", default: header)
    tokens = (section.strings("tokens") ?? []) + (section.string("token").map { [$0] } ?? [])
    filename = section.string("filename")
    if section.has("token"), section.has("tokens") {
      section.error("tokens", "token and tokens can't both be set")
    } else if filename != nil, !tokens.isEmpty {
      section.warning("filename", "the file goes before the tokens in the configuration, which have no effect")
    } else if filename == nil, tokens.isEmpty || tokens.contains("") {
      section.error("token", "token, tokens or filename is required, and no token is empty")
    }
  }
}

extension BasicAuthenticator.Configuration {
  /// Reads `extensions: basicauth:`.
  init(_ section: ConfigSection) {
    self.init()
    section.knownButUnsupported(["client_auth"])
    section.require("htpasswd")
    if let htpasswd = section.section("htpasswd") {
      file = htpasswd.string("file")
      inline = htpasswd.string("inline", default: inline)
      if file == nil, inline.isEmpty { htpasswd.error("file", "file or inline is required") }
    }
    maxFailuresPerSecond = section.int("max_failures_per_second", default: maxFailuresPerSecond, in: 1...1_000_000)
    usersAreTenants = section.bool("users_are_tenants", default: usersAreTenants)
  }
}

extension APIKeyAuthenticator.Configuration {
  /// Reads `extensions: apikeyauth:`.
  init(_ section: ConfigSection) {
    self.init()
    header = section.string("header", default: header)
    var seen: Set<String> = []
    for entry in section.sections("keys") ?? [] {
      let key = entry.string("key", default: "")
      let tenant = entry.string("tenant")
      if key.isEmpty { entry.error("key", "a key is required, and none is empty") }
      if !key.isEmpty, !seen.insert(key).inserted { entry.error("key", "this key stands twice") }
      if tenant == "" { entry.error("tenant", "a tenant has a name; leave it out for none") }
      keys.append(Key(key: key, tenant: tenant))
    }
    if keys.isEmpty { section.error("keys", "at least one is required") }
  }
}
