import EndUser
import OTLP

/// What a resource says for the roots of its traces: the end user of a whole process, and tags.
final class ResourceFacts {
  typealias Text = SpanFacts.Text

  /// Kept, so that no other resource can be in its place.
  let resource: Resource
  /// Empty without one.
  let endUser: Text
  /// The attribute that it is from, and its key; nil without one.
  let endUserAttribute: (entry: AttributeEntry, key: Text)?
  let tags: [(type: AttributeEntry.ValueType, value: Text)]
  private let memory: [UnsafeMutableRawBufferPointer]

  init(_ resource: Resource, plan: FactsPlan) {
    var memory: [UnsafeMutableRawBufferPointer] = []
    func keep(_ bytes: some Collection<UInt8>) -> Text {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      copy.copyBytes(from: bytes)
      memory.append(copy)
      return Text(copy)
    }
    var endUser = Text(start: nil, count: 0)
    var endUserAttribute: (entry: AttributeEntry, key: Text)?
    var bestRank = IdentityPlan.noRank
    var tags: [(type: AttributeEntry.ValueType, value: Text)] = []
    resource.withAttributes(plan.keys) { header, attributes in
      for attribute in attributes {
        let start = Int(attribute.valueOffset)
        let value = header[start..<start + Int(attribute.valueLength)]
        let rank = plan.identity.traits(of: attribute).resourceRank
        if rank < bestRank, plan.identity.isUsable(attribute) {
          bestRank = rank
          let key = Int(attribute.keyOffset)
          endUserAttribute = (attribute, keep(header[key..<key + Int(attribute.keyLength)]))
          endUser =
            attribute.type == .int
            ? keep(String(Int64(bitPattern: Varint.read(UnsafeRawBufferPointer(rebasing: value)))).utf8) : keep(value)
        }
        if plan.meaning(of: attribute).role == .tags { tags.append((attribute.type, keep(value))) }
      }
    }
    self.resource = resource
    self.endUser = endUser
    self.endUserAttribute = endUserAttribute
    self.tags = tags
    self.memory = memory
  }

  deinit {
    for copy in memory { copy.deallocate() }
  }
}
