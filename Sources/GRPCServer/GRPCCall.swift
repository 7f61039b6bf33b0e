import CGRPCServer
package import HTTPServer
import Synchronization

/// Method and metadata of a call. Valid until the call is answered.
package struct GRPCCallHead: @unchecked Sendable {
  // Sendable: gRPC does not write to them any more.
  fileprivate let call: OpaquePointer

  init(_ call: OpaquePointer) {
    self.call = call
  }

  /// The full name, as in `/package.Service/Method`. What is not UTF-8 is repaired.
  package var method: String { String(decoding: UnsafeRawBufferPointer(cgrpc_call_method(call)), as: UTF8.self) }

  /// The first value of a key, which is in lower case, as gRPC has it on the wire; nil when there is none. Values of keys in
  /// `-bin` come decoded. What is not UTF-8 is repaired.
  package func metadata(_ name: String) -> String? {
    var name = name
    var value = cgrpc_bytes()
    let found = name.withUTF8 { name in
      cgrpc_call_metadata(call, cgrpc_bytes(start: name.baseAddress, count: name.count), &value)
    }
    return found ? String(decoding: UnsafeRawBufferPointer(value), as: UTF8.self) : nil
  }
}

/// What the shim gives back with a call's events. All subclasses are in this room.
package class CallObject: @unchecked Sendable {
  // Sendable: subclasses say why.

  init() {}

  func received() {}
  func lost() {}
  func sent() {}
  func closed() {}
}

/// A call whose message has been read and that waits for its answer.
package final class GRPCCall: CallObject, @unchecked Sendable {
  // Sendable: `head` does not change; who has taken the message has it alone; `isAnswered` is atomic.

  /// Not to be touched after `respond`.
  package let head: GRPCCallHead
  /// What the handler noted when it decided to receive the call.
  package let note: (any Sendable)?
  private let core: ServerCore
  private let isAnswered = Atomic<Bool>(false)

  init(_ head: GRPCCallHead, note: (any Sendable)?, core: ServerCore) {
    self.head = head
    self.note = note
    self.core = core
    super.init()
    core.callBegan()
  }

  deinit {
    core.callEnded()
  }

  /// Buffers for what a handler makes of the message.
  package var pool: BufferPool { core.pool }

  /// Hands over the message; once.
  package func takeMessage() -> GRPCMessage {
    guard let message = cgrpc_call_take_message(head.call) else { preconditionFailure("a message is taken once") }
    return GRPCMessage(message, pool: core.pool)
  }

  /// Ends the call. To be called exactly once, from any thread, during `GRPCHandler.handle` or later. When the client has gone
  /// away in the meantime, nothing happens.
  ///
  /// - Parameter result: an encoded message, or why there is none.
  package func respond(_ result: Result<[UInt8], GRPCStatus>) {
    let isFirst = !isAnswered.exchange(true, ordering: .relaxed)
    precondition(isFirst, "a call is answered once")
    switch result {
    case .success(let message): head.answer(message)
    case .failure(let status): head.answer(status)
    }
  }

  override func received() {
    if core.hasRoom {
      core.handler.handle(self)
    } else {
      respond(.failure(core.handler.status(of: .tooManyBytes)))
    }
  }

  override func lost() { core.handler.callLost() }
}

extension GRPCCallHead {
  func receive(_ object: CallObject) { cgrpc_call_receive(call, Unmanaged.passRetained(object).toOpaque()) }

  func watch(_ object: CallObject) { cgrpc_call_watch(call, Unmanaged.passUnretained(object).toOpaque()) }

  func send(_ message: [UInt8], _ object: CallObject) {
    message.withUnsafeBytes { cgrpc_call_send(call, cgrpc_bytes($0), Unmanaged.passUnretained(object).toOpaque()) }
  }

  func takeMessage() -> OpaquePointer? { cgrpc_call_take_message(call) }

  func answer(_ message: [UInt8]) {
    message.withUnsafeBytes { message in
      cgrpc_call_answer(call, GRPCCode.ok.rawValue, cgrpc_bytes(), cgrpc_bytes(), cgrpc_bytes(message))
    }
  }

  func answer(_ status: GRPCStatus) {
    var message = status.message
    message.withUTF8 { message in
      status.details.withUnsafeBytes { details in
        cgrpc_call_answer(
          call, status.code.rawValue, cgrpc_bytes(UnsafeRawBufferPointer(message)), cgrpc_bytes(details), cgrpc_bytes())
      }
    }
  }
}

extension cgrpc_bytes {
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(start: bytes.baseAddress, count: bytes.count)
  }
}

extension UnsafeRawBufferPointer {
  init(_ bytes: cgrpc_bytes) {
    self.init(start: bytes.start, count: bytes.count)
  }
}
