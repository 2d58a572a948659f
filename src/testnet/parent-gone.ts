const LOOK_MS = 500 // a network that nobody can stop any more is not left for longer

/**
 * Aborted when the process that started this one is gone: npm and the shell between pass no SIGTERM on, and
 * would leave us running. The check keeps no process alive.
 */
export function parentGone(): AbortSignal {
  const parent = process.ppid
  const gone = new AbortController()
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone.abort(new Error('stopped: the process that started this one is gone'))
  }, LOOK_MS)
  timer.unref()
  return gone.signal
}
