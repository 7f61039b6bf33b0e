import Configuration
import Privacy
import Rewriting

extension RewritingConfiguration {
  /// The keys that say what an exporter changes; they are among those of the exporter.
  init(_ section: ConfigSection) {
    self.init()
    identityAs = Self.conventions(section)
    maxMetadataKeys = section.int("identity_max_metadata_keys", default: maxMetadataKeys, in: 1...1000)
    privacy = PrivacyPolicy(section)
  }

  private static func conventions(_ section: ConfigSection) -> [OutgoingConvention] {
    var conventions: [OutgoingConvention] = []
    for name in section.locatedStrings("identity_as") ?? [] {
      guard let convention = OutgoingConvention(rawValue: name.value) else {
        let have = OutgoingConvention.allCases.map(\.rawValue).joined(separator: ", ")
        section.diagnostics.error(
          at: name.position, "\(section.path).identity_as: unknown convention \"\(name.value)\"; there are \(have)")
        continue
      }
      if !conventions.contains(convention) { conventions.append(convention) }
    }
    return conventions
  }
}
