/// An `ExportTraceServiceRequest` (or that of another signal) reduced to some of its spans: their bytes, with their resources and scopes.
package struct RequestSubset {
  /// A span that was kept: its position in the index, and where its payload was and is.
  package struct Place: Equatable {
    package let position: Int
    package let originalOffset: Int
    package let offset: Int
    package let length: Int
  }

  package private(set) var bytes: [UInt8] = []
  package private(set) var places: [Place] = []

  private static let resourceSpansTag: UInt8 = 0x0a
  private static let scopeSpansTag: UInt8 = 0x12
  private static let spanTag: UInt8 = 0x12

  /// - Parameters:
  ///   - index: of `request`.
  ///   - request: the whole message.
  ///   - keeps: whether the span at a position of the index stays.
  package init(of index: SpanIndex, in request: UnsafeRawBufferPointer, where keeps: (Int) -> Bool) {
    var first = 0
    while first < index.spanCount {
      let scope = index.spans[first].scope
      var kept: [Int] = []
      var position = first
      while position < index.spanCount, index.spans[position].scope == scope {
        if keeps(position) { kept.append(position) }
        position += 1
      }
      if !kept.isEmpty { append(kept, scope: Int(scope), of: index, in: request) }
      first = position
    }
  }

  /// Each run of spans of one scope gets resource and scope of its own: what reads a request merges them.
  private mutating func append(_ kept: [Int], scope: Int, of index: SpanIndex, in request: UnsafeRawBufferPointer) {
    let resourceHeader = index.resourceHeader(index.resource(ofScope: scope), in: request)
    let scopeHeader = index.scopeHeader(scope, in: request)
    let spanBytes = kept.reduce(0) { sum, position in
      let length = Int(index.spans[position].length)
      return sum + 1 + Varint.size(length) + length
    }
    let scopeLength = scopeHeader.count + spanBytes
    bytes.append(Self.resourceSpansTag)
    Varint.append(resourceHeader.count + 1 + Varint.size(scopeLength) + scopeLength, to: &bytes)
    bytes.append(contentsOf: resourceHeader)
    bytes.append(Self.scopeSpansTag)
    Varint.append(scopeLength, to: &bytes)
    bytes.append(contentsOf: scopeHeader)
    for position in kept {
      let span = index.spans[position]
      bytes.append(Self.spanTag)
      Varint.append(Int(span.length), to: &bytes)
      places.append(
        Place(
          position: position, originalOffset: Int(span.offset), offset: bytes.count, length: Int(span.length)))
      bytes.append(contentsOf: request[Int(span.offset)..<Int(span.offset) + Int(span.length)])
    }
  }
}
