import Locks
import OTLP
import Pipeline
import TestSupport

/// An exporter that keeps the very requests it gets, to be waited for.
final class RequestCollector: Exporter {
  let id = "collector"
  let blocksOnOverflow: Bool
  let requests = Collected<EncodedRequest>()
  private let room = Locked((isFull: false, timesAsked: 0))

  init(blocksOnOverflow: Bool = false) {
    self.blocksOnOverflow = blocksOnOverflow
  }

  func start() {}

  func export(_ request: EncodedRequest) -> Bool {
    requests.append(request)
    return true
  }

  var isFull: Bool {
    room.withLock { room in
      room.timesAsked += 1
      return room.isFull
    }
  }

  func drain(until deadline: UInt64) {}

  func setFull(_ isFull: Bool) { room.withLock { $0.isFull = isFull } }

  /// How often somebody asked for room.
  var timesAsked: Int { room.withLock { $0.timesAsked } }

  /// Spans of each request so far.
  var sizes: [Int] { requests.all.map(\.itemCount) }

  /// All spans so far, in the order in which they came.
  var spans: [DecodedSpan] { requests.all.flatMap { DecodedSpan.all(inRequest: $0.bytes) } }

  var ids: [UInt64] { spans.map(\.id) }
}

extension SpanBatch {
  /// An indexed request with these spans, whose memory is overwritten and freed as soon as nobody holds it.
  static func make(_ spans: [SpanStub], interner: ScopeInterner = ScopeInterner()) -> SpanBatch {
    make(SpanStub.request(spans), interner: interner)
  }

  /// The same of a request's bytes.
  static func make(
    _ request: [UInt8], interner: ScopeInterner = ScopeInterner(), origin: RequestOrigin? = nil
  ) -> SpanBatch {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
    memory.copyBytes(from: request)
    let index = SpanIndex()
    do {
      try index.fill(from: UnsafeRawBufferPointer(memory), rules: SpanRules())
    } catch {
      preconditionFailure("a test made a malformed request: \(error)")
    }
    return SpanBatch(bytes: UnsafeRawBufferPointer(memory), index: index, interner: interner, origin: origin) { _ in
      memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
      memory.deallocate()
    }
  }
}

extension Batcher {
  /// Writes spans in one go, without changing them.
  func write(_ spans: [SpanStub], interner: ScopeInterner) {
    PassThrough(output: self).consume(.make(spans, interner: interner)) { _ in }
  }
}
