// A hook of the page in Node: in a component that draws nothing.

/** preact: what load() gave of 'preact', with the hook.  Returns what the hook gives, and what ends it. */
export function hooked({ h, render, options }, hook) {
  const place = {};
  const now = { value: undefined, end: () => render(null, place) };
  options.requestAnimationFrame = queueMicrotask; // nothing is painted that effects would wait for
  const Hooked = () => {
    now.value = hook();
    return null;
  };
  render(h(Hooked), place);
  return now;
}
