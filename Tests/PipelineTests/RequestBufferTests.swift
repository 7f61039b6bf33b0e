import OTLP
import Pipeline
import TestSupport
import Testing

/// A buffer by reference: expectations cannot change values.
private final class SharedBuffer {
  private var buffer: RequestBuffer

  init(_ sizer: QueueSizer, size: Int, bytes: Int = 1 << 20) {
    buffer = RequestBuffer(QueueLimits(sizer: sizer, size: size, bytes: bytes))
  }

  var isFull: Bool { buffer.isFull }
  var used: [Int] { [buffer.usedSize, buffer.usedBytes] }

  func canEverHold(_ request: EncodedRequest) -> Bool { buffer.canEverHold(request) }

  func admit(_ request: EncodedRequest) -> Bool { buffer.admit(request, now: 0) }

  func finishFirst() {
    if let entry = buffer.takeFirst() { buffer.release(entry) }
  }
}

@Suite struct RequestBufferTests {
  @Test(arguments: [QueueSizer.items, .bytes])
  func `a request larger than the whole queue finds room in an empty one, and fills it`(sizer: QueueSizer) {
    let buffer = SharedBuffer(sizer, size: 5)
    let large = SampleRequest.make(spans: 9)
    #expect(buffer.canEverHold(large))
    for _ in 0..<2 {
      #expect(!buffer.isFull)
      #expect(buffer.admit(large))
      #expect(buffer.isFull)
      #expect(!buffer.admit(large))
      #expect(!buffer.admit(SampleRequest.make()))
      buffer.finishFirst()
    }
    #expect(buffer.used == [0, 0])
  }

  @Test func `after a request larger than the queue, anything held makes it full`() {
    let buffer = SharedBuffer(.items, size: 5)
    let small = SampleRequest.make()
    #expect(buffer.admit(small))
    #expect(!buffer.admit(SampleRequest.make(spans: 9)))
    #expect(buffer.isFull, "another of that size would be refused")
    buffer.finishFirst()
    #expect(!buffer.isFull)
  }

  @Test func `a request above the bound in bytes is always refused`() {
    let large = SampleRequest.make(spans: 9)
    let buffer = SharedBuffer(.requests, size: 5, bytes: large.byteCount - 1)
    #expect(!buffer.canEverHold(large))
    #expect(!buffer.admit(large))
    #expect(!buffer.isFull, "what is too large is no measure of the room for others")
    #expect(buffer.admit(SampleRequest.make()))
  }
}
