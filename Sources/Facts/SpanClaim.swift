package import EndUser

/// One attribute of a span that says whose the span is, by the keys of the `enduser` processor; whether it counts or not.
package struct SpanClaim: Sendable, Equatable {
  /// Why a claim does not count on its span.
  package enum Fault: UInt8, Sendable, CaseIterable {
    /// A text without characters, or no value.
    case empty = 1
    /// More bytes than may be handed down.
    case tooLong
    case wrongType
    /// Below a root, where the key has no effect.
    case bindsToRoots
    /// On a span of neatlogs, where the key means who runs the SDK.
    case meansOperator
  }

  package enum Form: UInt8, Sendable {
    case text, int, list, other
  }

  package var role: Conventions.Role
  package var key: String
  /// A text, or an int's digits, cut at `mostValueBytes`; nil for what is neither.
  package var value: String?
  package var form = Form.text
  package var isCut = false
  /// Nil for one that counts.
  package var fault: Fault?
  /// Whether it is what the span says: of those that count the first in the order of keys.
  package var isChosen = false

  package static let mostValueBytes = 1000

  package init(_ role: Conventions.Role, _ key: String, _ value: String?) {
    self.role = role
    self.key = key
    self.value = value
  }
}

/// The keys of claims that have numbers in records.
enum ClaimKeys {
  /// A key's number is its place here. Numbers are in people's files: new keys go to the end, and none moves.
  static let names = [
    "neatlogs.end_user.id", "langfuse.user.id", "langwatch.user.id", "enduser.id",
    "traceloop.association.properties.user_id", "user.id", "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId", "gen_ai.user", "enduser.pseudo.id", "neatlogs.end_user.metadata",
    "neatlogs.session.id", "langfuse.session.id", "session.id", "gen_ai.conversation.id",
    "traceloop.association.properties.session_id", "langsmith.metadata.session_id",
    "ai.telemetry.metadata.sessionId", "posthog.distinct_id",
  ]
}
