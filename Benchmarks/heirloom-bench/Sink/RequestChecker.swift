import Glibc

/// Reads trace requests and compares every span with what its trace's root was given.
///
/// One for each connection: it cannot be copied, as it owns memory.
struct RequestChecker: ~Copyable {
  /// What came of one request.
  struct Finding {
    var tally = Tally()
    /// Numbers of the spans, for finding those that come twice.
    var spans: [Int] = []
  }

  private let numbering: Numbering
  private let checksIdentity: Bool
  private let spanLimit: Int
  /// For each part, a text to fill in what is expected.
  private let expected: [UnsafeMutableRawBufferPointer]
  private var finding = Finding()

  /// - Parameters:
  ///   - numbering: that of the traffic.
  ///   - traces: how many traces there are; higher numbers are foreign.
  ///   - checksIdentity: whether spans should carry the identity of their root, or leave as they came.
  init(numbering: Numbering, traces: Int, checksIdentity: Bool) {
    self.numbering = numbering
    self.checksIdentity = checksIdentity
    spanLimit = traces * Numbering.spansPerTrace
    expected = Identity.Part.allCases.map { part in
      let text = UnsafeMutableRawBufferPointer.allocate(byteCount: part.pattern.utf8CodeUnitCount, alignment: 1)
      text.copyMemory(from: UnsafeRawBufferPointer(start: part.pattern.utf8Start, count: text.count))
      return text
    }
    finding.spans.reserveCapacity(1 << 14)
  }

  deinit {
    expected.forEach { $0.deallocate() }
  }

  /// Reads an `ExportTraceServiceRequest`.
  ///
  /// - Throws: `WireReader.Malformed`; nothing of the request counts then.
  mutating func check(_ request: UnsafeRawBufferPointer) throws(WireReader.Malformed) -> Finding {
    finding.tally = Tally()
    finding.spans.removeAll(keepingCapacity: true)
    var requestFields = WireReader(request)
    while try requestFields.next() {
      guard requestFields.number == 1 else { continue }
      var resourceSpans = WireReader(requestFields.bytes)
      while try resourceSpans.next() {
        guard resourceSpans.number == 2 else { continue }
        var scopeSpans = WireReader(resourceSpans.bytes)
        while try scopeSpans.next() {
          if scopeSpans.number == 2 { try checkSpan(scopeSpans.bytes) }
        }
      }
    }
    return finding
  }

  /// What a span says about itself.
  private struct Seen {
    var traceID = UnsafeRawBufferPointer(start: nil, count: 0)
    var spanID = UnsafeRawBufferPointer(start: nil, count: 0)
    var attributes = 0
    var identityBytes = 0
    var id = SeenPart()
    var metadata = SeenPart()
    var session = SeenPart()

    @inline(__always)
    mutating func note(_ part: Identity.Part, _ text: UnsafeRawBufferPointer) {
      switch part {
      case .id: id.note(text)
      case .metadata: metadata.note(text)
      case .session: session.note(text)
      }
    }
  }

  private struct SeenPart {
    var count = 0
    var text = UnsafeRawBufferPointer(start: nil, count: 0)

    @inline(__always)
    mutating func note(_ text: UnsafeRawBufferPointer) {
      count += 1
      self.text = text
    }
  }

  private mutating func checkSpan(_ span: UnsafeRawBufferPointer) throws(WireReader.Malformed) {
    var seen = Seen()
    var fields = WireReader(span)
    while try fields.next() {
      switch fields.number {
      case 1: seen.traceID = fields.bytes
      case 2: seen.spanID = fields.bytes
      case 9:
        seen.attributes += 1
        try readAttribute(fields.bytes, into: &seen)
      default: break
      }
    }
    finding.tally.spans += 1
    guard let number = number(of: seen) else {
      finding.tally.foreign += 1
      return
    }
    finding.spans.append(number)
    judge(seen, number)
  }

  private func readAttribute(_ attribute: UnsafeRawBufferPointer, into seen: inout Seen) throws(WireReader.Malformed) {
    var key = UnsafeRawBufferPointer(start: nil, count: 0)
    var value = UnsafeRawBufferPointer(start: nil, count: 0)
    var fields = WireReader(attribute)
    while try fields.next() {
      if fields.number == 1 { key = fields.bytes }
      if fields.number == 2 { value = fields.bytes }
    }
    guard let part = part(of: key) else { return }
    var text = UnsafeRawBufferPointer(start: nil, count: 0)
    var values = WireReader(value)
    while try values.next() {
      text = values.number == 1 ? values.bytes : UnsafeRawBufferPointer(start: nil, count: 0)
    }
    seen.note(part, text)
    // The tag and the length in front of the attribute count too.
    seen.identityBytes += attribute.count + (attribute.count < 0x80 ? 2 : 3)
  }

  private mutating func judge(_ seen: Seen, _ number: Int) {
    let isRoot = number % Numbering.spansPerTrace == 0
    let attributesSent = 13
    let added = checksIdentity && !isRoot ? Identity.Part.allCases.count : 0
    if seen.attributes != attributesSent + added { finding.tally.altered += 1 }
    if !isRoot { finding.tally.identityBytes += seen.identityBytes }
    guard checksIdentity else { return }
    finding.tally.checked += 1
    let counts = (seen.id.count, seen.metadata.count, seen.session.count)
    if counts.0 == 0 || counts.1 == 0 || counts.2 == 0 {
      finding.tally.missing += 1
    } else if counts.0 > 1 || counts.1 > 1 || counts.2 > 1 {
      finding.tally.repeated += 1
    } else if isRight(seen, numbering.identity(of: number / Numbering.spansPerTrace)) {
      finding.tally.correct += 1
    } else {
      finding.tally.wrong += 1
    }
  }

  private func isRight(_ seen: Seen, _ identity: Identity) -> Bool {
    func matches(_ part: Identity.Part, _ text: UnsafeRawBufferPointer) -> Bool {
      let wanted = expected[part.rawValue]
      guard text.count == wanted.count, let found = text.baseAddress, let start = wanted.baseAddress else {
        return false
      }
      identity.write(part, to: start)
      return memcmp(found, start, text.count) == 0
    }
    return matches(.id, seen.id.text) && matches(.metadata, seen.metadata.text)
      && matches(.session, seen.session.text)
  }

  /// The span's number; nil when its ids are not of this run, or do not belong together.
  private func number(of seen: Seen) -> Int? {
    guard seen.traceID.count == 16, seen.spanID.count == 8,
      let trace = numbering.trace(
        of: (
          seen.traceID.loadUnaligned(as: UInt64.self),
          seen.traceID.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )),
      let span = numbering.span(of: seen.spanID.loadUnaligned(as: UInt64.self)),
      0..<spanLimit ~= span, span / Numbering.spansPerTrace == trace
    else { return nil }
    return span
  }

  @inline(__always)
  private func part(of key: UnsafeRawBufferPointer) -> Identity.Part? {
    if equal(key, Identity.Part.id.key) { return .id }
    if equal(key, Identity.Part.metadata.key) { return .metadata }
    if equal(key, Identity.Part.session.key) { return .session }
    return nil
  }

  @inline(__always)
  private func equal(_ bytes: UnsafeRawBufferPointer, _ key: StaticString) -> Bool {
    bytes.count == key.utf8CodeUnitCount && memcmp(bytes.baseAddress!, key.utf8Start, bytes.count) == 0
  }
}
