package import OTLP
package import Pipeline

/// Writes requests anew as a policy wants them. Keeps memory from one to the next; not to be used by two threads at once.
package struct PrivacyRewriter {
  private let pseudonyms: Pseudonyms?
  private let known = KnownUsers()
  private let keys: PrivacyKeys
  private let metadata: MetadataText
  private var values: ValueWriter

  package init(_ policy: PrivacyPolicy) {
    pseudonyms = policy.pseudonyms
    keys = PrivacyKeys(policy)
    metadata = MetadataText(policy, keys)
    values = ValueWriter(policy, keys, metadata)
  }

  /// A request without what must not be in it.
  ///
  /// - Parameters:
  ///   - request: an `ExportTraceServiceRequest`, or that of another signal, which an index has accepted.
  ///   - signal: of the request.
  /// - Returns: the same items in the same order.
  /// - Throws: `WireError` for bytes that are no such message.
  package mutating func rewritten(_ request: UnsafeRawBufferPointer, _ signal: Signal) throws(WireError) -> [UInt8] {
    values.begin(capacity: request.count + request.count / 4)
    let users: RequestUsers?
    if let pseudonyms {
      users = try RequestUsers(request, signal, pseudonyms, known, keys, metadata)
    } else {
      users = nil
    }
    values.users = users
    var walk = Walk(item: MessageShape(itemOf: signal), users: users)
    try walk.request(request, &values)
    return values.take()
  }

  /// From the request down to its items.
  private struct Walk {
    typealias Bytes = UnsafeRawBufferPointer

    let item: MessageShape
    let users: RequestUsers?
    private var resource = -1
    private var position = -1
    private var ofResource = KnownIDs()
    /// By group: what was made already.
    private var known: [KnownIDs?] = []

    init(item: MessageShape, users: RequestUsers?) {
      self.item = item
      self.users = users
      known = Array(repeating: nil, count: users?.groups.count ?? 0)
    }

    mutating func request(_ content: Bytes, _ values: inout ValueWriter) throws(WireError) {
      var reader = WireReader(content)
      while let field = try reader.next() {
        guard field.number == 1, let bytes = field.bytes else {
          values.copy(field)
          continue
        }
        beginResource()
        try level(bytes, .resource, number: 1, &values) { walk, scope, values throws(WireError) in
          try walk.level(scope, .scope, number: 2, &values) { walk, bytes, values throws(WireError) in
            values.known = walk.knownInNextItem()
            let start = values.mark
            try values.write(bytes, walk.item, walk.item == .metric ? .name : .value)
            values.close(2, from: start)
          }
        }
      }
    }

    /// What stands around the items of a resource, or of a scope: a header, the items, and where its schema is.
    private mutating func level(
      _ content: Bytes, _ header: MessageShape, number: Int, _ values: inout ValueWriter,
      _ child: (inout Walk, Bytes, inout ValueWriter) throws(WireError) -> Void
    ) throws(WireError) {
      let start = values.mark
      var reader = WireReader(content)
      while let field = try reader.next() {
        if field.number != 2 { values.known = ofResource }
        switch (field.number, field.bytes) {
        case (1, let bytes?):
          let start = values.mark
          try values.write(bytes, header, .name)
          values.close(1, from: start)
        case (2, let bytes?): try child(&self, bytes, &values)
        case (3, let bytes?): values.writeText(3, bytes, .name)
        default: values.copyUnknown(field)
        }
      }
      values.close(number, from: start)
    }

    private mutating func beginResource() {
      resource += 1
      if let users { ofResource = users.known(inResource: resource) }
    }

    private mutating func knownInNextItem() -> KnownIDs {
      position += 1
      guard let users else { return KnownIDs() }
      let group = users.groupOfItem[position]
      if let known = known[group] { return known }
      let new = users.known(inGroup: group)
      known[group] = new
      return new
    }
  }
}
