import OTLP
import Pipeline

/// Which end users' ids stand in a request, trace by trace: what is a user's id under one key is so wherever it stands in the
/// same trace.
struct RequestUsers {
  typealias Bytes = UnsafeRawBufferPointer

  /// The users of one resource, and those of all traces that have items under it.
  struct OfResource {
    var own: Set<Int> = []
    var groups: Set<Int> = []
  }

  private(set) var users: [KnownUser] = []
  /// By the order of the items: which group each belongs to. A group is a trace, or an item of none.
  private(set) var groupOfItem: [Int] = []
  private(set) var groups: [Set<Int>] = []
  private(set) var resources: [OfResource] = []
  private var numbers: [[UInt8]: Int] = [:]
  private var traces: [TraceID: Int] = [:]

  /// Users of a resource's items at most that are looked for in the resource: it is not one user's when there are more.
  private static let mostOfResource = 100

  private let pseudonyms: Pseudonyms
  private let known: KnownUsers
  private let keys: PrivacyKeys
  private let metadata: MetadataText
  private let item: MessageShape
  private let traceField: Int

  init(
    _ request: Bytes, _ signal: Signal, _ pseudonyms: Pseudonyms, _ known: KnownUsers, _ keys: PrivacyKeys,
    _ metadata: MetadataText
  ) throws(WireError) {
    self.pseudonyms = pseudonyms
    self.known = known
    self.keys = keys
    self.metadata = metadata
    item = MessageShape(itemOf: signal)
    traceField = signal == .traces ? 1 : signal == .logs ? 9 : 0
    var reader = WireReader(request)
    while let field = try reader.next() {
      if field.number == 1, let resource = field.bytes { try readResource(resource) }
    }
  }

  /// An id's pseudonym.
  func pseudonym(of id: Bytes) -> [UInt8] {
    if let number = numbers[Array(id)] { return users[number].pseudonym }
    return pseudonyms.pseudonym(of: id)
  }

  /// Ids that may stand in an item.
  func known(inGroup group: Int) -> KnownIDs {
    KnownIDs(groups[group].map { users[$0] })
  }

  /// Ids that may stand in a resource and its scopes: those that it names, and those of all its items unless they are many.
  func known(inResource resource: Int) -> KnownIDs {
    let resource = resources[resource]
    var others: Set<Int> = []
    for group in resource.groups {
      if groups[group].count <= Self.mostOfResource { others.formUnion(groups[group]) }
      if max(others.count, groups[group].count) > Self.mostOfResource {
        others = []
        break
      }
    }
    return KnownIDs(others.subtracting(resource.own).map { users[$0] }, named: resource.own.map { users[$0] })
  }

  private mutating func readResource(_ content: Bytes) throws(WireError) {
    var resource = OfResource()
    var reader = WireReader(content)
    while let field = try reader.next() {
      guard let bytes = field.bytes else { continue }
      if field.number == 1 { try collect(bytes, .resource, into: &resource.own) }
      if field.number == 2 { try readScope(bytes, &resource) }
    }
    // A user whom the resource names is one of every trace that it has a part in.
    if !resource.own.isEmpty { for group in resource.groups { groups[group].formUnion(resource.own) } }
    resources.append(resource)
  }

  private mutating func readScope(_ content: Bytes, _ resource: inout OfResource) throws(WireError) {
    var reader = WireReader(content)
    while let field = try reader.next() {
      guard let bytes = field.bytes else { continue }
      if field.number == 1 { try collect(bytes, .scope, into: &resource.own) }
      guard field.number == 2 else { continue }
      var named: Set<Int> = []
      try collect(bytes, item, into: &named)
      let group = try group(of: bytes)
      if !named.isEmpty { groups[group].formUnion(named) }
      groupOfItem.append(group)
      resource.groups.insert(group)
    }
  }

  private mutating func group(of item: Bytes) throws(WireError) -> Int {
    var id: Bytes?
    var reader = WireReader(item)
    while let field = try reader.next() {
      if field.number == traceField, let bytes = field.bytes { id = bytes }
    }
    let new = groups.count
    guard let id, id.count == 16, id.contains(where: { $0 != 0 }) else {
      groups.append([])
      return new
    }
    let trace = TraceID(
      first: id.loadUnaligned(as: UInt64.self), second: id.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    if let known = traces[trace] { return known }
    traces[trace] = new
    groups.append([])
    return new
  }

  private mutating func collect(
    _ content: Bytes, _ shape: MessageShape, into named: inout Set<Int>
  ) throws(WireError) {
    var reader = WireReader(content)
    while let field = try reader.next() {
      guard let bytes = field.bytes else { continue }
      switch shape.field(field.number) {
      case .attribute: try collect(pair: bytes, isMetadata: false, into: &named)
      case .message(let inner): try collect(bytes, inner, into: &named)
      default: break
      }
    }
  }

  private mutating func collect(
    pair: Bytes, isMetadata: Bool, into named: inout Set<Int>
  ) throws(WireError) {
    let key = try AnyValueReader.key(of: pair)
    var meaning = PrivacyKeys.Meaning()
    if isMetadata {
      meaning.metadata = .member
      meaning.namesUser = keys.isUser(member: key)
    } else {
      meaning = keys.meaning(of: key)
    }
    guard meaning.namesUser || meaning.metadata != .none else { return }
    var reader = WireReader(pair)
    while let field = try reader.next() {
      if field.number == 2, let value = field.bytes { try collect(value: value, meaning, into: &named) }
    }
  }

  private mutating func collect(
    value: Bytes, _ meaning: PrivacyKeys.Meaning, into named: inout Set<Int>
  ) throws(WireError) {
    var reader = WireReader(value)
    while let field = try reader.next() {
      switch (field.number, field.bytes) {
      case (AnyValueReader.string, let text?): collect(text: text, meaning, into: &named)
      case (AnyValueReader.array, let array?):
        var elements = WireReader(array)
        while let element = try elements.next() {
          if element.number == 1, let value = element.bytes { try collect(value: value, meaning, into: &named) }
        }
      case (AnyValueReader.kvlist, let list?):
        var pairs = WireReader(list)
        while let pair = try pairs.next() {
          guard pair.number == 1, let bytes = pair.bytes else { continue }
          if meaning.namesUser {
            try AnyValueReader.forEach(2, in: bytes) { value throws(WireError) in
              try collect(value: value, meaning, into: &named)
            }
          } else {
            try collect(pair: bytes, isMetadata: true, into: &named)
          }
        }
      default:
        if meaning.namesUser, let digits = AnyValueReader.digits(field) {
          digits.withUnsafeBytes { add($0, to: &named) }
        }
      }
    }
  }

  private mutating func collect(text: Bytes, _ meaning: PrivacyKeys.Meaning, into named: inout Set<Int>) {
    guard meaning.namesUser else { return metadata.forEachUser(in: text) { add($0, to: &named) } }
    if meaning.isJSON, let id = metadata.scalar(text) {
      id.withUnsafeBytes { add($0, to: &named) }
    } else {
      add(text, to: &named)
    }
  }

  private mutating func add(_ id: Bytes, to named: inout Set<Int>) {
    guard !id.isEmpty else { return }
    // Mostly the same one after the other.
    if let last = users.last, last.id.count == id.count, last.id.elementsEqual(id) {
      named.insert(users.count - 1)
      return
    }
    let key = Array(id)
    if let number = numbers[key] {
      named.insert(number)
      return
    }
    numbers[key] = users.count
    named.insert(users.count)
    users.append(known.user(key, pseudonyms))
  }
}

extension MessageShape {
  init(itemOf signal: Signal) {
    self =
      switch signal {
      case .traces: .span
      case .logs: .logRecord
      case .metrics: .metric
      }
  }
}
