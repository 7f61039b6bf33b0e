package import Spool
import Synchronization

/// One OTLP export request, encoded and ready to leave: a chain of byte segments that never changes.
///
/// Concatenating the segments gives the protobuf message (`ExportTraceServiceRequest` and its like). Exporters share
/// one value and never copy it: whoever writes it walks the segments. Since protobuf merges concatenated messages, two
/// requests appended to one another are again one request.
package final class EncodedRequest: @unchecked Sendable {
  // Sendable: the storage is written before init returns and only read afterwards.
  private let segments: [UnsafeRawBufferPointer]
  private let release: @Sendable () -> Void
  private let settlement: Settlement

  /// What its destinations settle: the same for every form of one request.
  private final class Settlement: Sendable {
    let origins: [SpoolUnits]
    let missing = Atomic<Int>(1)

    init(_ origins: [SpoolUnits]) {
      self.origins = origins
    }
  }

  /// What it carries.
  package let signal: Signal
  /// Bytes of the whole message.
  package let byteCount: Int
  /// Spans in it (log records, data points for the other signals).
  package let itemCount: Int
  /// Whose its spans are; nil where nobody asked for it.
  package let identities: SpanIdentities?

  /// Takes over segments that stay valid until `release` is called, which happens once, at the end of this value.
  ///
  /// `origins` name its spans in the spool; empty where there is none.
  package convenience init(
    segments: [UnsafeRawBufferPointer], signal: Signal = .traces, itemCount: Int, origins: [SpoolUnits] = [],
    identities: SpanIdentities? = nil, release: @escaping @Sendable () -> Void
  ) {
    self.init(
      segments: segments, signal: signal, itemCount: itemCount, settlement: Settlement(origins),
      identities: identities, release: release)
  }

  /// Another form of `original`, in segments of its own: whoever settles the one has settled the other.
  package convenience init(
    segments: [UnsafeRawBufferPointer], itemCount: Int, inPlaceOf original: EncodedRequest,
    identities: SpanIdentities? = nil, release: @escaping @Sendable () -> Void
  ) {
    self.init(
      segments: segments, signal: original.signal, itemCount: itemCount, settlement: original.settlement,
      identities: identities, release: release)
  }

  private init(
    segments: [UnsafeRawBufferPointer], signal: Signal, itemCount: Int, settlement: Settlement,
    identities: SpanIdentities?, release: @escaping @Sendable () -> Void
  ) {
    self.signal = signal
    self.segments = segments
    self.itemCount = itemCount
    self.settlement = settlement
    self.identities = identities
    self.release = release
    byteCount = segments.reduce(0) { $0 + $1.count }
  }

  /// Copies a message that somebody else owns.
  package convenience init(copying message: UnsafeRawBufferPointer, signal: Signal = .traces, itemCount: Int) {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(message.count, 1), alignment: 1)
    storage.copyMemory(from: message)
    let address = UInt(bitPattern: storage.baseAddress)
    self.init(
      segments: [UnsafeRawBufferPointer(start: storage.baseAddress, count: message.count)], signal: signal,
      itemCount: itemCount,
      release: { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() })
  }

  /// Another form of `original`, copied: the same spans in the same order.
  package convenience init(copying message: UnsafeRawBufferPointer, inPlaceOf original: EncodedRequest) {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(message.count, 1), alignment: 1)
    storage.copyMemory(from: message)
    let address = UInt(bitPattern: storage.baseAddress)
    self.init(
      segments: [UnsafeRawBufferPointer(start: storage.baseAddress, count: message.count)],
      itemCount: original.itemCount, inPlaceOf: original, identities: original.identities,
      release: { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() })
  }

  deinit {
    release()
  }

  /// Says how many destinations must have the request before its spans are done, if that is not one. Called before the
  /// first of them gets it.
  package func expect(destinations: Int) {
    settlement.missing.store(destinations, ordering: .releasing)
  }

  /// Takes note that one destination has the request, in a way that a crash does not undo, or that it will never have it
  /// and has counted it as lost. Each destination calls this once; the last call makes the spans done.
  package func settle() {
    guard settlement.missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    for units in settlement.origins { units.markDone() }
  }

  package var segmentCount: Int { segments.count }

  /// The bytes of one segment, valid for as long as this value lives.
  package func segment(_ index: Int) -> UnsafeRawBufferPointer { segments[index] }

  /// Copies the message to `destination`, which has room for `byteCount` bytes.
  package func copy(to destination: UnsafeMutableRawPointer) {
    var offset = 0
    for segment in segments where segment.count > 0 {
      (destination + offset).copyMemory(from: segment.baseAddress!, byteCount: segment.count)
      offset += segment.count
    }
  }

  /// The message as an array of its own.
  package var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      if let base = buffer.baseAddress { copy(to: base) }
      count = byteCount
    }
  }
}
