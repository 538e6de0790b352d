/** Takes all of a processor that it gets, until it is killed or who forked it is gone. */

process.on('disconnect', () => process.exit());

function turn(): void {
  const untilMs = performance.now() + 50;
  while (performance.now() < untilMs);
  setImmediate(turn);
}

turn();
