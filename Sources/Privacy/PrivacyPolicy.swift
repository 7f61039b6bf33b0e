/// What must not leave through one exporter, or be kept by the ledger.
package struct PrivacyPolicy: Sendable, Equatable {
  /// Replaces end users' ids; nil leaves them as they are.
  package var pseudonyms: Pseudonyms?
  /// Takes values of end-user metadata out.
  package var redaction: Redaction?
  /// Takes what looks like personal data out of texts.
  package var masking: Masking?
  /// Further keys whose values are end users' ids, and further keys of metadata, as the pipelines are configured with.
  package var userKeys: [String] = []
  package var metadataKeys: [String] = []

  package init() {}

  /// Whether there is nothing to do.
  package var isEmpty: Bool { pseudonyms == nil && redaction == nil && masking == nil }
}

/// `redact`: values of end-user metadata that go.
package struct Redaction: Sendable, Equatable {
  package enum Action: String, Sendable, CaseIterable {
    /// Key and value go.
    case drop
    /// The key stays; `mark` takes the value's place.
    case mask
  }

  /// What stands in place of a masked value.
  static let mark = "[REDACTED]"

  /// Keys, their parts divided by dots; `*` is every key.
  let paths: [[UInt8]]
  let action: Action

  package init(keys: [String], action: Action) {
    paths = keys.map { Array($0.utf8) }
    self.action = action
  }
}

/// `mask`: what patterns find in named attributes.
package struct Masking: Sendable, Equatable {
  /// Names, or what they begin with and a `*` behind it.
  let attributes: [String]
  /// Whether bodies of log records are looked at.
  let includesBodies: Bool
  let patterns: [TextPattern]

  package init(attributes: [String], includesBodies: Bool = false, patterns: [TextPattern]) {
    self.attributes = attributes
    self.includesBodies = includesBodies
    self.patterns = patterns
  }
}
