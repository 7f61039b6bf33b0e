import OTLP
import TestSupport

extension FuzzTarget {
  /// The index of a trace request: agrees with a reader that decodes everything; and its spans, put into a new request as
  /// they are or with their recorded attributes moved to the end, are the same spans.
  static let index = FuzzTarget(name: "index") { request in
    let rules = ReferenceRules.forRandomTelemetry()
    let expected = ReferenceIndex(request, rules: rules)
    guard let indexed = try? IndexedRequest(request, rules: rules.rules) else {
      return expected == nil ? nil : "refused, though it is well-formed"
    }
    guard let expected else { return "accepted, though it is malformed" }
    guard indexed.spans == expected.spans else { return "other spans than a full decoder's" }
    guard indexed.rejected == expected.rejected else { return "other spans left out than a full decoder would" }
    for scope in indexed.batch.scopes { scope.resource.withAttributes(rules.rules) { _, _ in } }
    return faultOfRebuilt(request, indexed, rules) ?? faultOfSpliced(indexed, rules)
  }

  private static func faultOfRebuilt(
    _ request: [UInt8], _ indexed: IndexedRequest, _ rules: ReferenceRules
  ) -> String? {
    guard let rebuilt = indexed.rebuilt()?.bytes else {
      return indexed.spans.isEmpty ? nil : "spans were lost on the way into a new request"
    }
    guard let again = try? IndexedRequest(rebuilt, rules: rules.rules) else { return "a new request that is malformed" }
    guard again.rejected.isEmpty else { return "a new request with unusable spans" }
    guard again.spans == indexed.spans.groupedByScope() else { return "a new request with other spans" }
    guard LibprotobufC.accepts(rebuilt) || !LibprotobufC.accepts(request) else {
      return "a new request that libprotobuf-c does not accept"
    }
    var text: [UInt8] = []
    let isJSON: Void? = try? rebuilt.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
    return isJSON == nil ? "a new request that has no JSON" : nil
  }

  private static func faultOfSpliced(_ indexed: IndexedRequest, _ rules: ReferenceRules) -> String? {
    let builder = RequestBuilder()
    for position in 0..<indexed.batch.spanCount {
      let span = indexed.batch.index.spans[position]
      let payload = indexed.batch.payload(of: span)
      let attributes = (0..<Int(span.attributeCount)).map { indexed.batch.index.attributes[Int(span.attribute) + $0] }
      let cuts = attributes.map { Cut(offset: $0.fieldOffset, length: $0.fieldLength) }
      let suffix = attributes.flatMap {
        UnsafeRawBufferPointer(start: payload + Int($0.fieldOffset), count: Int($0.fieldLength))
      }
      cuts.withUnsafeBufferPointer { cuts in
        suffix.withUnsafeBytes {
          builder.append(
            span: payload, length: Int(span.length),
            scope: .passUnretained(indexed.batch.scopes[Int(span.scope)]), cuts: cuts, suffix: $0)
        }
      }
    }
    guard let spliced = builder.seal()?.bytes else { return nil }
    guard let again = try? IndexedRequest(spliced, rules: rules.rules) else { return "a spliced request is malformed" }
    let expected = indexed.spans.groupedByScope()
    guard again.spans.count == expected.count else { return "splicing lost spans" }
    for (span, before) in zip(again.spans, expected) {
      var same = span
      // What moved is the same attributes, in the same order, in a payload of the same length.
      guard span.payload.count == before.payload.count else { return "splicing changed a length" }
      same.payload = before.payload
      guard same == before else { return "splicing changed a span" }
    }
    return nil
  }
}
