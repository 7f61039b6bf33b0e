/// The bytes that all logs below one storage directory may take together.
package final class SpoolBudget: Sendable {
  package let maxBytes: Int
  package init(maxBytes: Int) { self.maxBytes = maxBytes }
}
