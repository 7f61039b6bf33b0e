package import OTLP
package import Privacy

/// The keys of an exporter that say what it changes before anything leaves.
package struct RewritingConfiguration: Sendable, Equatable {
  /// In whose words spans and log records tell their identity, beside the keys that they have.
  package var identityAs: [OutgoingConvention] = []
  /// Members of the end user's metadata that become attributes of their own at most, where a convention wants that.
  package var maxMetadataKeys = 64

  /// What must not leave.
  package var privacy = PrivacyPolicy()

  package init() {}

  /// What requests of these signals go through, in the order in which it happens.
  package func rewritings(for signals: Set<Signal>) -> Rewritings {
    var steps: [any RequestRewriting] = []
    if !identityAs.isEmpty, !signals.isDisjoint(with: [.traces, .logs]) {
      steps.append(IdentityWriter(identityAs, maxMetadataKeys: maxMetadataKeys))
    }
    // Last, so that it is done to whatever was added.
    steps += PrivacyStep.steps(of: privacy)
    return Rewritings(steps)
  }
}
