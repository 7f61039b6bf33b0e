import Configuration
import OTLP
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

extension CollectorConfig {
  /// Only an `enduser` processor finds out whose a span is.
  func checkIdentityAs(_ diagnostics: Diagnostics) {
    for exporter in exportersInUse where !exporter.value.rewriting.identityAs.isEmpty {
      let pipelines = service.pipelines.filter { pipeline in
        pipeline.signal != .metrics
          && pipeline.exporters.contains { ComponentID($0.value, of: .exporters) == exporter.id }
      }
      let mute = pipelines.filter { endUser(of: $0) == nil }
      if mute.count == pipelines.count {
        diagnostics.error(
          at: exporter.position,
          "exporters.\(exporter.id).identity_as: no pipeline of traces or logs brings identities to it: none has an enduser processor"
        )
        continue
      }
      for pipeline in mute {
        diagnostics.warning(
          at: pipeline.position,
          "service.pipelines.\(pipeline.id): without an enduser processor, exporters.\(exporter.id).identity_as has no effect on it"
        )
      }
    }
  }
}
