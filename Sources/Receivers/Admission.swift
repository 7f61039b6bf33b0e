/// Whom a protocol of a receiver lets in, and what it keeps of their requests beside the bytes.
package struct Admission: Sendable, Equatable {
  /// The ids of those who know its senders; with several, one that does is enough. Empty: everybody may send.
  package var authenticators: [String] = []
  /// Whether components behind it may ask for a request's headers.
  package var includeMetadata = false

  package init() {}
}
