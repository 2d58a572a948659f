/**
 * Runs something from outside (a letter, a lost link, a deadline) in a turn of its own: what it wakes has
 * finished, down to the verdict on the message it brought, before the next thing is looked at. So an abort
 * that comes together with a bad message never decides whether that message is judged. The turns that wait
 * are those of one reading of the port, no more.
 */
export function inOwnTurn(run: () => void, onError: (error: unknown) => void): void {
  setImmediate(() => {
    try {
      run()
    } catch (error) {
      onError(error)
    }
  })
}
