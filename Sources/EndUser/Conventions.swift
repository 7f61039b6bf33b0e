/// What the attribute keys of each vendor mean. To teach Heirloom another convention, add a line.
///
/// The order within a role is the order in which a root's attributes are asked.
package enum Conventions {
  package enum Role: Sendable {
    case endUserID, endUserMetadata, session
  }

  package struct Key: Sendable {
    package let name: String
    package let role: Role
    /// Whether the key can only mean the end user, so that a child's own value must not stay beside the root's.
    package var onlyEndUser = false
    /// Whether the convention binds identity to the root alone: on a child the key has no effect.
    package var rootOnly = false
    /// Whether the key means somebody else on neatlogs' spans.
    package var unlessNeatlogs = false

    init(
      _ name: String, _ role: Role, onlyEndUser: Bool = false, rootOnly: Bool = false, unlessNeatlogs: Bool = false
    ) {
      self.name = name
      self.role = role
      self.onlyEndUser = onlyEndUser
      self.rootOnly = rootOnly
      self.unlessNeatlogs = unlessNeatlogs
    }
  }

  package static let keys: [Key] = [
    Key("neatlogs.end_user.id", .endUserID, onlyEndUser: true, rootOnly: true),
    Key("langfuse.user.id", .endUserID, onlyEndUser: true),
    Key("langwatch.user.id", .endUserID, onlyEndUser: true),
    Key("enduser.id", .endUserID, onlyEndUser: true),
    Key("traceloop.association.properties.user_id", .endUserID, onlyEndUser: true),
    Key("user.id", .endUserID, unlessNeatlogs: true),
    Key("langsmith.metadata.user_id", .endUserID, onlyEndUser: true),
    Key("ai.telemetry.metadata.userId", .endUserID, onlyEndUser: true),
    Key("gen_ai.user", .endUserID),
    Key("enduser.pseudo.id", .endUserID, onlyEndUser: true),

    Key("neatlogs.end_user.metadata", .endUserMetadata, onlyEndUser: true, rootOnly: true),

    Key("neatlogs.session.id", .session, rootOnly: true),
    Key("langfuse.session.id", .session),
    Key("session.id", .session),
    Key("gen_ai.conversation.id", .session),
    Key("traceloop.association.properties.session_id", .session),
    Key("langsmith.metadata.session_id", .session),
    Key("ai.telemetry.metadata.sessionId", .session),
  ]

  /// End-user keys that, on a root's resource, are the default of a whole process.
  package static let resourceKeys = ["neatlogs.end_user.id", "enduser.id", "posthog.distinct_id"]

  /// The span that neatlogs sends when a trace is complete.
  package static let completionMarkerName = "neatlogs.trace.complete"
  /// How neatlogs' attributes and scopes begin.
  package static let neatlogsKeyPrefix = "neatlogs."
  package static let neatlogsScopePrefix = "neatlogs"
  /// True on a span that Langfuse's SDK takes for the root of its application.
  package static let applicationRootKey = "langfuse.internal.is_app_root"

  /// The keys of a role, in their order.
  package static func names(of role: Role) -> [String] {
    keys.filter { $0.role == role }.map(\.name)
  }

  /// What the table knows of a key in a role. A key that somebody configured as an id means the end user alone.
  package static func key(_ name: String, _ role: Role) -> Key {
    keys.first { $0.name == name && $0.role == role } ?? Key(name, role, onlyEndUser: role == .endUserID)
  }

  /// Whose words a key is from, as people call them; nil for one that somebody configured.
  package static func vendor(of name: String) -> String? {
    let isBuiltIn = keys.contains { $0.name == name } || resourceKeys.contains(name)
    return isBuiltIn ? vendors.first { name.hasPrefix($0.key) }?.value : nil
  }

  /// By how keys begin.
  private static let vendors: KeyValuePairs = [
    "neatlogs.": "neatlogs", "langfuse.": "langfuse", "langwatch.": "langwatch", "traceloop.": "traceloop",
    "langsmith.": "langsmith", "ai.telemetry.": "vercel", "posthog.": "posthog", "user.id": "openinference",
    "enduser.": "otel", "session.id": "otel", "gen_ai.": "otel",
  ]
}
