import JSON
import OTLP

/// Copies the spans (log records) of an indexed request to a builder, with an identity's attributes in the place of their own.
struct AttributeSplice {
  private let bytes: UnsafeRawBufferPointer
  private let index: SpanIndex
  private let document: JSONDocument
  // Scratch of one span.
  private var cuts: [Cut] = []
  private var suffix: [UInt8] = []
  private var isPresent: [Bool] = []

  /// - Parameters:
  ///   - bytes: the request; they outlive this.
  ///   - index: of them.
  ///   - document: to read JSON of spans with.
  init(_ bytes: UnsafeRawBufferPointer, _ index: SpanIndex, _ document: JSONDocument) {
    self.bytes = bytes
    self.index = index
    self.document = document
  }

  /// Writes the span at a position, with an identity or as it is.
  @inline(__always)
  mutating func write(
    _ position: Int, _ identity: OutgoingIdentity?, under scope: Unmanaged<Scope>, to builder: RequestBuilder
  ) {
    let span = index.spans[position]
    cuts.removeAll(keepingCapacity: true)
    guard let identity else { return append(span, nil, under: scope, to: builder) }
    guard span.attributeCount > 0 else {
      return identity.suffix.withUnsafeBytes { append(span, $0, under: scope, to: builder) }
    }
    replace(in: span, identity)
    suffix.withUnsafeBytes { append(span, $0, under: scope, to: builder) }
  }

  private func append(
    _ span: SpanEntry, _ suffix: UnsafeRawBufferPointer?, under scope: Unmanaged<Scope>, to builder: RequestBuilder
  ) {
    cuts.withUnsafeBufferPointer { cuts in
      builder.append(
        span: bytes.baseAddress! + Int(span.offset), length: Int(span.length),
        scope: scope, cuts: cuts,
        suffix: suffix ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// Finds what of the span goes, and what comes behind it. What is there already, equal to the last byte, stays where it is.
  private mutating func replace(in span: SpanEntry, _ identity: OutgoingIdentity) {
    suffix.removeAll(keepingCapacity: true)
    isPresent.removeAll(keepingCapacity: true)
    isPresent.append(contentsOf: repeatElement(false, count: identity.fields.count))
    let start = Int(span.offset)
    for number in Int(span.attribute)..<Int(span.attribute) + Int(span.attributeCount) {
      let attribute = index.attributes[number]
      let key = slice(start + Int(attribute.keyOffset), attribute.keyLength)
      guard let place = identity.fields.firstIndex(where: { $0.key.count == key.count && $0.key.elementsEqual(key) })
      else { continue }
      let field = identity.fields[place]
      let own = slice(start + Int(attribute.fieldOffset), attribute.fieldLength)
      var replacement: [UInt8]?
      if !isPresent[place], let merged = field.merged, attribute.type == .string {
        let text = merged.merged(into: slice(start + Int(attribute.valueOffset), attribute.valueLength), document)
        replacement = text.map { identity.field(field.key, $0) }
        if replacement == nil {
          isPresent[place] = true
          continue
        }
      } else if !isPresent[place], identity.bytes(of: field).elementsEqual(own) {
        isPresent[place] = true
        continue
      }
      cuts.append(Cut(offset: attribute.fieldOffset, length: attribute.fieldLength))
      if let replacement {
        suffix += replacement
        isPresent[place] = true
      }
    }
    for (place, field) in identity.fields.enumerated() where !isPresent[place] { suffix += identity.bytes(of: field) }
  }

  private func slice(_ offset: Int, _ length: UInt32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)])
  }
}
