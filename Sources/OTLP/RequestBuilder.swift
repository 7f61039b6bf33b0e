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

/// Collects spans into one outgoing `ExportTraceServiceRequest`, grouped by resource and scope.
///
/// A span is written once, by copying: its original bytes but the cuts, then the attributes that it inherits. Protobuf
/// lets the elements of a repeated field stand anywhere in a message, so this is the same span to every reader.
/// Not safe to use from several threads at once.
package final class RequestBuilder {
  private struct Group {
    let scope: Scope
    var chunks: [UnsafeMutableRawBufferPointer] = []
    /// Bytes used of each chunk but the last.
    var filled: [Int] = []
    var cursor: UnsafeMutableRawPointer?
    var room = 0
    var byteCount = 0

    mutating func reserve(_ count: Int, from pool: ChunkPool) -> UnsafeMutableRawPointer {
      if room < count {
        if let last = chunks.last { filled.append(last.count - room) }
        // A group's first piece is small: there may be thousands of services.
        let chunk = pool.take(max(count, chunks.isEmpty ? 4096 : ChunkPool.chunkSize))
        chunks.append(chunk)
        cursor = chunk.baseAddress
        room = chunk.count
      }
      let place = cursor!
      cursor = place + count
      room -= count
      byteCount += count
      return place
    }

    func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
      for (position, chunk) in chunks.enumerated() {
        let used = position < filled.count ? filled[position] : chunk.count - room
        body(UnsafeRawBufferPointer(start: chunk.baseAddress, count: used))
      }
    }
  }

  private static let spansTag: UInt8 = 0x12
  private let pool: ChunkPool
  private var groups: [Group] = []
  private var positions: [ObjectIdentifier: Int] = [:]

  /// Spans collected so far.
  package private(set) var spanCount = 0
  /// Bytes of the spans collected so far.
  package private(set) var byteCount = 0

  package init(pool: ChunkPool = .shared) {
    self.pool = pool
  }

  deinit {
    for group in groups { pool.put(group.chunks) }
  }

  /// Adds a span.
  ///
  /// - Parameters:
  ///   - span: the span's payload, as it came.
  ///   - length: bytes of the payload.
  ///   - scope: what it belongs to.
  ///   - cuts: what to leave out: in order, without overlap, within the payload.
  ///   - suffix: whole `attributes` fields to put behind it.
  @inline(__always)
  package func append(
    span: UnsafeRawPointer, length: Int, scope: Scope, cuts: UnsafeBufferPointer<Cut>, suffix: UnsafeRawBufferPointer
  ) {
    var kept = length
    for cut in cuts { kept -= Int(cut.length) }
    let payload = kept + suffix.count
    let size = 1 + Varint.size(payload) + payload
    var at = groups[position(of: scope)].reserve(size, from: pool)
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
    spanCount += 1
    byteCount += size
  }

  @inline(__always)
  private func position(of scope: Scope) -> Int {
    let hint = scope.slotHint.load(ordering: .relaxed)
    if hint < groups.count, groups[hint].scope === scope { return hint }
    return findOrAdd(scope)
  }

  private func findOrAdd(_ scope: Scope) -> Int {
    let key = ObjectIdentifier(scope)
    let position = positions[key] ?? groups.count
    if position == groups.count {
      positions[key] = position
      groups.append(Group(scope: scope))
    }
    scope.slotHint.store(position, ordering: .relaxed)
    return position
  }

  /// The request with all that was collected; the builder is empty afterwards. Nil when nothing was.
  package func seal() -> EncodedRequest? {
    guard spanCount > 0 else { return nil }
    let layout = Layout(groups)
    let headers = UnsafeMutableRawBufferPointer.allocate(byteCount: layout.headerBytes, alignment: 1)
    var segments: [UnsafeRawBufferPointer] = []
    segments.reserveCapacity(groups.count * 2)
    layout.write(groups, headers: headers, into: &segments)

    let chunks = groups.flatMap(\.chunks)
    let memory = Memory(pool: pool, chunks: chunks, headers: headers)
    let request = EncodedRequest(segments: segments, itemCount: spanCount) { memory.release() }
    groups.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    spanCount = 0
    byteCount = 0
    return request
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

    init(_ groups: [Group]) {
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

    private func scopeLength(_ group: Group) -> Int { group.scope.header.count + group.byteCount }

    private func resourceLength(_ members: [Int], _ groups: [Group]) -> Int {
      members.reduce(groups[members[0]].scope.resource.header.count) { sum, member in
        let length = scopeLength(groups[member])
        return sum + 1 + Varint.size(length) + length
      }
    }

    func write(
      _ groups: [Group], headers: UnsafeMutableRawBufferPointer, into segments: inout [UnsafeRawBufferPointer]
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
          group.forEachPiece { segments.append($0) }
          start = at
        }
      }
    }
  }
}
