import CGlibc
import Glibc

/// A named operating-system thread, joined by its owner.
///
/// Long-running loops (timers, queue consumers, listeners) live on threads of their own: the cooperative pool of Swift
/// concurrency has one thread a core and must not be blocked.
package final class BackgroundThread: @unchecked Sendable {
  // Sendable: `handle` is set in init before the object is shared; `joined` is touched by the owner only.
  private var handle = pthread_t()
  private var joined = false

  /// Starts `body` at once.
  ///
  /// - Parameters:
  ///   - name: what `top -H` and debuggers show; cut to 15 bytes by the kernel.
  ///   - body: runs to its end on the new thread.
  package init(name: String, _ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let status = pthread_create(
      &handle, nil,
      { raw in
        guard let raw else { return nil }
        let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
        cglibc_set_thread_name(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    precondition(status == 0, "the system refused to create a thread (\(status))")
  }

  deinit {
    // Nobody can wait for it any more: the system may take back its stack when it ends.
    if !joined { pthread_detach(handle) }
  }

  /// Waits for the body's end. Only the owner may call it.
  package func join() {
    guard !joined else { return }
    joined = true
    pthread_join(handle, nil)
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
