import EndUser
import OTLP

/// The claims of a span as bytes, a part of its record:
///
///     accepted  varint   milliseconds from that in which the span starts to that in which its request was accepted, zigzag
///     claims, each:
///       head    1 byte   role (2 bits), whether it is chosen, form (2 bits), fault (3 bits; 0 for none)
///       key     varint   its number and one; or 0, and its length (a varint) and its text follow
///       value            of a chosen one none: it is the span's own end user or session. Else a varint: 0 for the same value as
///                        the span's own; or one more than twice its bytes, plus one where it was cut; and the bytes
package struct SpanClaims {
  /// Claims of a span at most.
  static let mostClaims = 32

  /// When the span's request was accepted, in nanoseconds since the Unix epoch, cut to milliseconds.
  package private(set) var accepted: Int64 = 0
  package private(set) var claims: [SpanClaim] = []

  /// Those of a span; none for one whose record says nothing of them. What can't be read is left out.
  package init(_ facts: borrowing SpanFacts) {
    guard !facts.claims.isEmpty else { return }
    var reader = ByteReader(facts.claims)
    let accepted = Self.milliseconds(facts.start).addingReportingOverflow(Self.signed(reader.varint()))
    if !accepted.overflow, 0...Int64.max / 1_000_000 ~= accepted.partialValue {
      self.accepted = accepted.partialValue * 1_000_000
    }
    while !reader.isAtEnd, claims.count < Self.mostClaims {
      guard let claim = Self.claim(&reader, facts) else { return }
      claims.append(claim)
    }
  }

  private static func claim(_ reader: inout ByteReader, _ facts: borrowing SpanFacts) -> SpanClaim? {
    let head = reader.byte()
    guard let role = role(head & 3), let form = SpanClaim.Form(rawValue: head >> 3 & 3), let key = key(&reader) else {
      return nil
    }
    var claim = SpanClaim(role, key, nil)
    claim.form = form
    claim.isChosen = head & 4 != 0
    claim.fault = SpanClaim.Fault(rawValue: head >> 5)
    let length = claim.isChosen ? 0 : reader.varint()
    let own = own(role, facts)
    if length == 0 {
      claim.value = String(decoding: own.prefix(upToCharacterAt: SpanClaim.mostValueBytes), as: UTF8.self)
      claim.isCut = own.count > SpanClaim.mostValueBytes
    } else {
      let text = reader.take((length - 1) >> 1)
      if form == .text || form == .int { claim.value = String(decoding: text, as: UTF8.self) }
      claim.isCut = (length - 1) & 1 == 1
    }
    return reader.failed ? nil : claim
  }

  private static func key(_ reader: inout ByteReader) -> String? {
    let number = reader.varint()
    if number == 0 {
      let text = reader.take(reader.varint())
      return reader.failed ? nil : String(decoding: text, as: UTF8.self)
    }
    return number <= UInt64(ClaimKeys.names.count) ? ClaimKeys.names[Int(number) - 1] : nil
  }

  /// What a span says in a role.
  fileprivate static func own(_ role: Conventions.Role, _ facts: borrowing SpanFacts) -> SpanFacts.Text {
    switch role {
    case .endUserID: facts.endUser
    case .endUserMetadata: facts.metadata
    case .session: facts.session
    }
  }

  private static func role(_ number: UInt8) -> Conventions.Role? {
    number < 3 ? [.endUserID, .endUserMetadata, .session][Int(number)] : nil
  }

  fileprivate static func milliseconds(_ nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / 1_000_000) }

  private static func signed(_ zigzag: UInt64) -> Int64 { Int64(bitPattern: zigzag >> 1) ^ -Int64(zigzag & 1) }
}

/// Writes the claims of a span.
struct ClaimsWriter {
  private(set) var bytes: [UInt8] = []
  private var count = 0

  /// Begins the claims of a span that starts at one time and came at another, both in nanoseconds since the Unix epoch.
  mutating func begin(start: UInt64, accepted: UInt64) {
    clear()
    let passed = SpanClaims.milliseconds(accepted) - SpanClaims.milliseconds(start)
    Varint.append(Int(truncatingIfNeeded: passed << 1 ^ passed >> 63), to: &bytes)
  }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    count = 0
  }

  /// Adds a claim: the key by its number, or else its text; the value as text, empty for what is neither text nor an int.
  mutating func add(
    _ role: Conventions.Role, number: Int?, key: SpanFacts.Text, form: SpanClaim.Form, fault: SpanClaim.Fault?,
    isChosen: Bool, value: SpanFacts.Text, of facts: borrowing SpanFacts
  ) {
    guard count < SpanClaims.mostClaims else { return }
    count += 1
    let place: UInt8 =
      switch role {
      case .endUserID: 0
      case .endUserMetadata: 1
      case .session: 2
      }
    bytes.append(place | (isChosen ? 4 : 0) | form.rawValue << 3 | (fault?.rawValue ?? 0) << 5)
    if let number {
      Varint.append(number + 1, to: &bytes)
    } else {
      bytes.append(0)
      Varint.append(key.count, to: &bytes)
      bytes.append(contentsOf: key)
    }
    if isChosen { return }
    let own = SpanClaims.own(role, facts)
    if !value.isEmpty, own.count == value.count, own.elementsEqual(value) {
      bytes.append(0)
    } else {
      let text = value.prefix(upToCharacterAt: SpanClaim.mostValueBytes)
      Varint.append((text.count << 1 | (text.count < value.count ? 1 : 0)) + 1, to: &bytes)
      bytes.append(contentsOf: text)
    }
  }
}
