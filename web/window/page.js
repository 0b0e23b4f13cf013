// What a browser does by itself and a bare window does not. The desktop window runs this in each page it has loaded (appliance/panel/window.py).
(() => {
  if (window.tandemWindow) return;
  window.tandemWindow = true;
  const STEPS = [0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];
  const KEPT = "tandem-zoom";

  const zoomed = () => Number(sessionStorage.getItem(KEPT)) || 1;
  const zoom = (size) => {
    sessionStorage.setItem(KEPT, String(size));
    document.documentElement.style.zoom = String(size);
  };
  const next = (way) => {
    const place = STEPS.reduce((best, step, index) => (Math.abs(step - zoomed()) < Math.abs(STEPS[best] - zoomed()) ? index : best), 0);
    zoom(STEPS[Math.min(Math.max(place + way, 0), STEPS.length - 1)]);
  };

  // A link to elsewhere asks for a window of its own, and such windows open in the person's browser. Our own pages stay here,
  // where the person is signed in.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (link) link.target = link.origin === location.origin ? "_self" : "_blank";
  }, true);

  document.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && (event.key === "+" || event.key === "=")) next(1);
    else if (command && event.key === "-") next(-1);
    else if (command && event.key === "0") zoom(1);
    else if (command && event.key === "r") location.reload();
    else if ((event.altKey && event.key === "ArrowLeft") || (event.metaKey && event.key === "[")) history.back();
    else if ((event.altKey && event.key === "ArrowRight") || (event.metaKey && event.key === "]")) history.forward();
    else return;
    event.preventDefault();
  });

  if (zoomed() !== 1) zoom(zoomed());
})();
