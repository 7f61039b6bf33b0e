import COTLP

/// What an index looks for while it walks a request: attribute keys to record, and marks to set on spans.
///
/// Components register what they need before the first request is indexed; from then on the rules only get read. Equal
/// keys share one number, whoever registered them.
package final class SpanRules: @unchecked Sendable {
  // Sendable: written while the pipelines are being built, by one thread; read-only once indexing has begun.
  let raw: OpaquePointer
  /// The texts behind the numbers: an exact key as it is, a prefix with a `*` behind it.
  package private(set) var patterns: [String] = []
  /// Numbers of exact keys, and of prefixes: a key may look like a prefix's pattern.
  private var keys: [String: UInt16] = [:]
  private var prefixes: [String: UInt16] = [:]

  package init() {
    raw = cotlp_rules_create()
  }

  deinit {
    cotlp_rules_destroy(raw)
  }

  /// The number under which attributes of exactly this key are recorded.
  package func number(forKey key: String) -> UInt16 {
    number(for: key, among: \.keys) { cotlp_rules_add_key(raw, $0, key.utf8.count, $1) }
  }

  /// The number under which attributes are recorded whose key begins with the prefix and has no number of its own.
  package func number(forPrefix prefix: String) -> UInt16 {
    number(for: prefix, among: \.prefixes) { cotlp_rules_add_prefix(raw, $0, prefix.utf8.count, $1) }
  }

  /// Marks spans that have an attribute whose key begins with the prefix.
  package func mark(_ mark: SpanMarks, whereKeyHasPrefix prefix: String) {
    cotlp_rules_mark_prefix(raw, prefix, prefix.utf8.count, mark.rule)
  }

  /// Marks spans whose attribute of that key is the boolean true.
  package func mark(_ mark: SpanMarks, whereTrue key: String) {
    cotlp_rules_mark_true(raw, key, key.utf8.count, mark.rule)
  }

  /// Marks spans of that name. There is one such name; a later call replaces it.
  package func mark(_ mark: SpanMarks, whereNameIs name: String) {
    cotlp_rules_mark_name(raw, name, name.utf8.count, mark.rule)
  }

  /// Marks the spans of scopes whose name begins with the prefix. There is one such prefix; a later call replaces it.
  package func mark(_ mark: SpanMarks, whereScopeHasPrefix prefix: String) {
    cotlp_rules_mark_scope(raw, prefix, prefix.utf8.count, mark.rule)
  }

  private func number(
    for text: String, among known: ReferenceWritableKeyPath<SpanRules, [String: UInt16]>,
    add: (UnsafePointer<CChar>, UInt16) -> Void
  ) -> UInt16 {
    if let number = self[keyPath: known][text] { return number }
    precondition(patterns.count < Int(COTLP_NO_KEY), "more attribute keys than an index can number")
    let number = UInt16(patterns.count)
    patterns.append(known == \.prefixes ? text + "*" : text)
    self[keyPath: known][text] = number
    text.withCString { add($0, number) }
    return number
  }
}

/// What an index says of a span beside its ids: bits that its own walk sets, and bits that rules set.
@usableFromInline package struct SpanMarks: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt32

  @inlinable package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// In place: what a protocol requires would be a call for each look at a span.
  @inlinable package func contains(_ member: SpanMarks) -> Bool { rawValue & member.rawValue == member.rawValue }

  // The first two mirror what the walk itself sets, COTLP_HAS_PARENT and COTLP_REMOTE_PARENT.

  /// The span has a parent.
  @inlinable package static var hasParent: SpanMarks { SpanMarks(rawValue: 1) }
  /// The span's flags say that its parent is in another process.
  @inlinable package static var remoteParent: SpanMarks { SpanMarks(rawValue: 2) }
  /// The span calls itself the root of its application.
  @inlinable package static var applicationRoot: SpanMarks { SpanMarks(rawValue: 4) }
  /// The span speaks neatlogs' convention.
  @inlinable package static var neatlogs: SpanMarks { SpanMarks(rawValue: 8) }
  /// The span is a completion marker, and no observation.
  @inlinable package static var completionMarker: SpanMarks { SpanMarks(rawValue: 16) }

  fileprivate var rule: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}
