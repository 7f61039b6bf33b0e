package import OTLP
package import Pipeline
package import Spool

/// The store of a queue whose requests were rewritten. Each is stored with the names of what was done to it, so that a run with
/// another configuration does the rest when it reads what this one has left, and nothing twice.
///
/// The names stand before the request, as a field of the message that nobody knows:
///
///     tag, length      as of any field
///     names            one behind another, with commas in between
///
/// A request begins with a field of its own, so nobody can send what is taken for names. What was stored without them has had
/// nothing done to it.
package final class RewrittenStore: RequestStore {
  /// Field 2046, length-delimited: out of the way of what OTLP may have one day.
  private static let tag: [UInt8] = [0xF2, 0x7F]

  private let store: any RequestStore
  private let rewritings: Rewritings
  private let signal: Signal

  /// - Parameters:
  ///   - store: has not started.
  ///   - rewritings: what has been done to each request that is appended.
  ///   - signal: of all requests.
  package init(_ store: any RequestStore, _ rewritings: Rewritings, signal: Signal) {
    self.store = store
    self.rewritings = rewritings
    self.signal = signal
  }

  package var syncs: Bool { store.syncs }
  package var delay: Duration { store.delay }

  package func restore(_ body: (SpoolRecord, UnsafeRawBufferPointer) -> Bool) {
    store.restore { record, stored in body(record, Self.parts(of: stored).request) }
  }

  package func append(_ request: EncodedRequest) throws(SpoolError) -> SpoolRecord {
    guard !rewritings.isEmpty else { return try store.append(request) }
    let names = Array(rewritings.steps.map(\.name).joined(separator: ",").utf8)
    var header = Self.tag
    Varint.append(names.count, to: &header)
    header += names
    return try store.append(
      EncodedRequest.merging([
        header.withUnsafeBytes { EncodedRequest(copying: $0, signal: signal, itemCount: 0) }, request,
      ]))
  }

  package func whenSynced(_ body: @escaping @Sendable (Bool) -> Void) { store.whenSynced(body) }

  package func load(_ record: SpoolRecord) throws(SpoolError) -> [UInt8] {
    let stored = try store.load(record)
    let (done, request) = stored.withUnsafeBytes { bytes in
      let parts = Self.parts(of: bytes)
      return (parts.done, parts.request.count == bytes.count ? stored : Array(parts.request))
    }
    guard rewritings.steps.contains(where: { !done.contains($0.name) }) else { return request }
    do throws(RewritingFailure) {
      let plain = request.withUnsafeBytes { EncodedRequest(copying: $0, signal: signal, itemCount: 0) }
      let rewritten = try rewritings.apply(to: plain, beside: done)
      return rewritten === plain ? request : rewritten.bytes
    } catch {
      throw .system("cannot rewrite what was stored: \(error)")
    }
  }

  package func stop() { store.stop() }

  /// What was done to a stored request, and the request itself.
  private static func parts(
    of stored: UnsafeRawBufferPointer
  ) -> (done: Set<String>, request: UnsafeRawBufferPointer) {
    guard stored.starts(with: tag) else { return ([], stored) }
    let rest = UnsafeRawBufferPointer(rebasing: stored[tag.count...])
    let count = Varint.read(rest)
    let start = Varint.size(Int(truncatingIfNeeded: count))
    guard count <= UInt64(rest.count), start + Int(count) <= rest.count else { return ([], stored) }
    let end = start + Int(count)
    let names = String(decoding: rest[start..<end], as: UTF8.self).split(separator: ",").map(String.init)
    return (Set(names), UnsafeRawBufferPointer(rebasing: rest[end...]))
  }
}
