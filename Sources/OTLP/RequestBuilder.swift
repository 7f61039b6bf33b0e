package import Spool
import Synchronization

/// A range of a span's bytes that does not leave.
package struct Cut {
  package var offset: UInt32
  package var length: UInt32

  package init(offset: UInt32, length: UInt32) {
    self.offset = offset
    self.length = length
  }
}

/// Collects spans into one outgoing `ExportTraceServiceRequest`, grouped by resource and scope; or what stands in the place of
/// spans in the requests of the other signals.
///
/// A span is written once, by copying: its original bytes but the cuts, then the attributes that it inherits. Protobuf
/// lets the elements of a repeated field stand anywhere in a message, so this is the same span to every reader.
/// Not safe to use from several threads at once.
package final class RequestBuilder {
  /// The spans of one scope. Lives in raw memory: a span is added without a reference count or an access check.
  private struct Group {
    let scope: Unmanaged<Scope>
    var cursor: UnsafeMutableRawPointer
    var room: Int
    var byteCount = 0
    /// Where the group's pieces begin in `pieces`; one leads to the next.
    var firstPiece: Int32
    var lastPiece: Int32
  }

  private struct Piece {
    let memory: UnsafeMutableRawBufferPointer
    /// Bytes written; of a group's last piece, all but its room.
    var used: Int
    var next: Int32 = -1
  }

  private struct State {
    var groups: UnsafeMutablePointer<Group>
    var groupCapacity = 16
    var groupCount = 0
    var itemCount = 0
    var byteCount = 0
    var origins: UnsafeMutablePointer<SpoolUnits>
    var originCapacity = 64
    var originCount = 0
    /// Whether `notes` are taken.
    var isNoting = false
  }

  private static let spansTag: UInt8 = 0x12
  private let signal: Signal
  private let pool: ChunkPool
  private let state: UnsafeMutablePointer<State>
  private var pieces: [Piece] = []
  private var positions: [ObjectIdentifier: Int] = [:]
  private var notes = IdentityNotes()

  /// - Parameters:
  ///   - signal: of all that is added.
  ///   - notesIdentities: whether its requests tell whose their spans are.
  ///   - pool: of the memory that requests lie in.
  package init(_ signal: Signal = .traces, notesIdentities: Bool = false, pool: ChunkPool = .shared) {
    self.signal = signal
    self.pool = pool
    state = .allocate(capacity: 1)
    state.initialize(
      to: State(groups: .allocate(capacity: 16), origins: .allocate(capacity: 64), isNoting: notesIdentities))
  }

  deinit {
    pool.put(pieces.map(\.memory))
    clear()
    state.pointee.groups.deallocate()
    state.pointee.origins.deallocate()
    state.deallocate()
  }

  /// Whether nothing was collected.
  package var isEmpty: Bool { state.pointee.groupCount == 0 }
  /// Spans collected so far; log records, data points.
  package var itemCount: Int { state.pointee.itemCount }
  /// Bytes of the spans collected so far.
  package var byteCount: Int { state.pointee.byteCount }

  /// Says whose the spans are that come next: of one trace, nobody's with nil.
  @inline(__always)
  package func begin(_ identity: @autoclosure () -> (any TraceIdentity)?) {
    if state.pointee.isNoting { notes.begin(identity()) }
  }

  /// Adds a span.
  ///
  /// - Parameters:
  ///   - span: the span's payload, as it came.
  ///   - length: bytes of the payload.
  ///   - scope: what it belongs to; kept until the request is sealed.
  ///   - cuts: what to leave out: in order, without overlap, within the payload.
  ///   - suffix: whole `attributes` fields to put behind it.
  ///   - record: what names the span in the spool, with `unit`; nil without a spool.
  ///   - unit: of the record.
  ///   - items: what it counts for: as many data points as a metric has.
  @inline(__always)
  package func append(
    span: UnsafeRawPointer, length: Int, scope: Unmanaged<Scope>, cuts: UnsafeBufferPointer<Cut>,
    suffix: UnsafeRawBufferPointer, record: Unmanaged<SpoolRecord>? = nil, unit: UInt32 = 0,
    items: Int = 1
  ) {
    if let record { note(record, unit) }
    var kept = length
    for cut in cuts { kept -= Int(cut.length) }
    let payload = kept + suffix.count
    let size = 1 + Varint.size(payload) + payload
    let position = position(of: scope)
    if state.pointee.isNoting { notes.addSpan(to: position) }
    var at = reserve(size, in: position)
    at.storeBytes(of: Self.spansTag, as: UInt8.self)
    at = Varint.write(payload, to: at + 1)
    var from = 0
    for cut in cuts {
      let until = Int(cut.offset)
      at.copyMemory(from: span + from, byteCount: until - from)
      at += until - from
      from = until + Int(cut.length)
    }
    at.copyMemory(from: span + from, byteCount: length - from)
    if suffix.count > 0 {
      (at + (length - from)).copyMemory(from: suffix.baseAddress!, byteCount: suffix.count)
    }
    state.pointee.itemCount += items
    state.pointee.byteCount += size
  }

  @inline(__always)
  private func note(_ record: Unmanaged<SpoolRecord>, _ unit: UInt32) {
    let count = state.pointee.originCount
    if count > 0 {
      let last = state.pointee.origins + (count - 1)
      if last.pointee.record.toOpaque() == record.toOpaque(), last.pointee.first &+ last.pointee.count == unit {
        last.pointee.count += 1
        return
      }
    }
    if count == state.pointee.originCapacity { growOrigins() }
    (state.pointee.origins + count).initialize(to: SpoolUnits(record: record, first: unit, count: 1))
    state.pointee.originCount = count + 1
  }

  private func growOrigins() {
    let larger = UnsafeMutablePointer<SpoolUnits>.allocate(capacity: state.pointee.originCapacity * 2)
    larger.moveInitialize(from: state.pointee.origins, count: state.pointee.originCount)
    state.pointee.origins.deallocate()
    state.pointee.origins = larger
    state.pointee.originCapacity *= 2
  }

  @inline(__always)
  private func reserve(_ count: Int, in position: Int) -> UnsafeMutableRawPointer {
    let group = state.pointee.groups + position
    if group.pointee.room < count { addPiece(to: group, atLeast: count) }
    let place = group.pointee.cursor
    group.pointee.cursor = place + count
    group.pointee.room -= count
    group.pointee.byteCount += count
    return place
  }

  private func addPiece(to group: UnsafeMutablePointer<Group>, atLeast count: Int) {
    let last = Int(group.pointee.lastPiece)
    // A group's first piece is small: there may be thousands of services.
    let memory = pool.take(max(count, last < 0 ? 4096 : ChunkPool.chunkSize))
    let new = Int32(pieces.count)
    if last < 0 {
      group.pointee.firstPiece = new
    } else {
      pieces[last].used = pieces[last].memory.count - group.pointee.room
      pieces[last].next = new
    }
    pieces.append(Piece(memory: memory, used: 0))
    group.pointee.lastPiece = new
    group.pointee.cursor = memory.baseAddress!
    group.pointee.room = memory.count
  }

  @inline(__always)
  private func position(of scope: Unmanaged<Scope>) -> Int {
    let hint = scope._withUnsafeGuaranteedRef { $0.slotHint.load(ordering: .relaxed) }
    if hint < state.pointee.groupCount,
      state.pointee.groups[hint].scope.toOpaque() == scope.toOpaque()
    {
      return hint
    }
    return findOrAdd(scope)
  }

  private func findOrAdd(_ reference: Unmanaged<Scope>) -> Int {
    let scope = reference.takeUnretainedValue()
    let key = ObjectIdentifier(scope)
    let position = positions[key] ?? state.pointee.groupCount
    if position == state.pointee.groupCount {
      positions[key] = position
      add(
        Group(
          scope: .passRetained(scope), cursor: UnsafeMutableRawPointer(state), room: 0, firstPiece: -1, lastPiece: -1))
    }
    scope.slotHint.store(position, ordering: .relaxed)
    return position
  }

  private func add(_ group: Group) {
    if state.pointee.groupCount == state.pointee.groupCapacity {
      let larger = UnsafeMutablePointer<Group>.allocate(capacity: state.pointee.groupCapacity * 2)
      larger.moveInitialize(from: state.pointee.groups, count: state.pointee.groupCount)
      state.pointee.groups.deallocate()
      state.pointee.groups = larger
      state.pointee.groupCapacity *= 2
    }
    (state.pointee.groups + state.pointee.groupCount).initialize(to: group)
    state.pointee.groupCount += 1
  }

  /// Ends a request; the builder is empty afterwards.
  ///
  /// - Parameter original: what this is another form of, if it is.
  /// - Returns: the request with all that was collected; nil when nothing was.
  package func seal(inPlaceOf original: EncodedRequest? = nil) -> EncodedRequest? {
    guard !isEmpty else { return nil }
    let groups = (0..<state.pointee.groupCount).map { position in
      let group = state.pointee.groups[position]
      pieces[Int(group.lastPiece)].used = pieces[Int(group.lastPiece)].memory.count - group.room
      return SealedGroup(
        scope: group.scope.takeUnretainedValue(), byteCount: group.byteCount, pieces: writtenPieces(of: group))
    }
    let layout = Layout(groups)
    let headers = UnsafeMutableRawBufferPointer.allocate(byteCount: layout.headerBytes, alignment: 1)
    var segments: [UnsafeRawBufferPointer] = []
    segments.reserveCapacity(groups.count + pieces.count)
    layout.write(groups, headers: headers, into: &segments)

    let memory = Memory(pool: pool, chunks: pieces.map(\.memory), headers: headers)
    let origins = Array(UnsafeBufferPointer(start: state.pointee.origins, count: state.pointee.originCount))
    let identities = state.pointee.isNoting ? notes.take(order: layout.order) : nil
    let release: @Sendable () -> Void = { memory.release() }
    let request =
      original.map {
        EncodedRequest(
          segments: segments, itemCount: itemCount, inPlaceOf: $0, identities: identities, release: release)
      }
      ?? EncodedRequest(
        segments: segments, signal: signal, itemCount: itemCount, origins: origins, identities: identities,
        release: release)
    pieces.removeAll(keepingCapacity: true)
    clear()
    return request
  }

  private func writtenPieces(of group: Group) -> [UnsafeRawBufferPointer] {
    var written: [UnsafeRawBufferPointer] = []
    var position = Int(group.firstPiece)
    while position >= 0 {
      let piece = pieces[position]
      written.append(UnsafeRawBufferPointer(start: piece.memory.baseAddress, count: piece.used))
      position = Int(piece.next)
    }
    return written
  }

  /// Lets the scopes go.
  private func clear() {
    for position in 0..<state.pointee.groupCount { state.pointee.groups[position].scope.release() }
    state.pointee.groupCount = 0
    state.pointee.itemCount = 0
    state.pointee.byteCount = 0
    state.pointee.originCount = 0
    positions.removeAll(keepingCapacity: true)
  }

  /// A group that gets no more spans.
  private struct SealedGroup {
    let scope: Scope
    let byteCount: Int
    let pieces: [UnsafeRawBufferPointer]
  }

  /// What an encoded request lives in.
  private struct Memory: @unchecked Sendable {
    // Sendable: raw memory that one owner releases once.
    let pool: ChunkPool
    let chunks: [UnsafeMutableRawBufferPointer]
    let headers: UnsafeMutableRawBufferPointer

    func release() {
      pool.put(chunks)
      headers.deallocate()
    }
  }

  /// Which groups stand under which resource, and the lengths that go before them.
  private struct Layout {
    /// Groups by resource, resources in the order in which they first came.
    private var resources: [[Int]] = []
    private(set) var headerBytes = 0
    /// The groups as they leave.
    var order: [Int] { resources.flatMap { $0 } }

    init(_ groups: [SealedGroup]) {
      var known: [ObjectIdentifier: Int] = [:]
      for (position, group) in groups.enumerated() {
        let key = ObjectIdentifier(group.scope.resource)
        if let place = known[key] {
          resources[place].append(position)
        } else {
          known[key] = resources.count
          resources.append([position])
        }
      }
      for members in resources {
        headerBytes += 1 + Varint.size(resourceLength(members, groups)) + groups[members[0]].scope.resource.header.count
        for member in members {
          headerBytes += 1 + Varint.size(scopeLength(groups[member])) + groups[member].scope.header.count
        }
      }
    }

    private func scopeLength(_ group: SealedGroup) -> Int { group.scope.header.count + group.byteCount }

    private func resourceLength(_ members: [Int], _ groups: [SealedGroup]) -> Int {
      members.reduce(groups[members[0]].scope.resource.header.count) { sum, member in
        let length = scopeLength(groups[member])
        return sum + 1 + Varint.size(length) + length
      }
    }

    func write(
      _ groups: [SealedGroup], headers: UnsafeMutableRawBufferPointer, into segments: inout [UnsafeRawBufferPointer]
    ) {
      var at = headers.baseAddress!
      func put(tag: UInt8, length: Int, header: [UInt8]) {
        at.storeBytes(of: tag, as: UInt8.self)
        at = Varint.write(length, to: at + 1)
        header.withUnsafeBytes { if let base = $0.baseAddress { at.copyMemory(from: base, byteCount: $0.count) } }
        at += header.count
      }
      for members in resources {
        var start = at
        put(tag: 0x0a, length: resourceLength(members, groups), header: groups[members[0]].scope.resource.header)
        for member in members {
          let group = groups[member]
          put(tag: 0x12, length: scopeLength(group), header: group.scope.header)
          segments.append(UnsafeRawBufferPointer(start: start, count: at - start))
          segments.append(contentsOf: group.pieces)
          start = at
        }
      }
    }
  }
}
