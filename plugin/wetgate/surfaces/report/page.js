"use strict";
(function () {
  const stage = document.querySelector(".stage");
  const split = stage.querySelector(".split");
  const scrub = document.querySelector(".scrub");
  const play = document.querySelector(".play");
  const frame = document.querySelector(".frame");
  const numbers = JSON.parse(stage.dataset.numbers);
  const charts = Array.from(document.querySelectorAll(".chart"));

  function setSplit(share) {
    const value = Math.min(100, Math.max(0, share));
    stage.style.setProperty("--split", value + "%");
    split.setAttribute("aria-valuenow", String(Math.round(value)));
  }
  function splitNow() { return parseFloat(stage.style.getPropertyValue("--split") || "50"); }
  function follow(event) {
    const box = stage.getBoundingClientRect();
    setSplit((event.clientX - box.left) / box.width * 100);
  }
  stage.addEventListener("pointerdown", function (event) {
    if (stage.dataset.view !== "split" || event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
    split.focus({ preventScroll: true });
    event.preventDefault();
  });
  stage.addEventListener("pointermove", function (event) {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
  split.addEventListener("keydown", function (event) {
    const step = event.shiftKey ? 10 : 2;
    const to = {
      ArrowLeft: splitNow() - step, ArrowDown: splitNow() - step, ArrowRight: splitNow() + step, ArrowUp: splitNow() + step,
      PageDown: splitNow() - 10, PageUp: splitNow() + 10, Home: 0, End: 100,
    }[event.key];
    if (to === undefined) return;
    setSplit(to);
    event.preventDefault();
  });

  function choose(kind, chosen) {
    const buttons = Array.from(document.querySelectorAll("button[data-" + kind + "]"));
    buttons.forEach(function (button) {
      button.addEventListener("click", function () {
        buttons.forEach(function (other) { other.setAttribute("aria-pressed", String(other === button)); });
        chosen(button.dataset[kind]);
      });
    });
  }
  let at = 0, shade = "0";
  choose("view", function (view) { stage.dataset.view = view; });
  choose("expose", function (wanted) {
    stage.dataset.exposed = shade = wanted;
    document.querySelector(".legend").hidden = shade !== "bands";
    show(at);
  });

  function show(index) {
    at = index;
    document.querySelectorAll("[data-index]").forEach(function (element) {
      const other = element.dataset.shade !== undefined && element.dataset.shade !== shade;
      element.hidden = element.dataset.index !== String(index) || other;
    });
    frame.textContent = numbers[index];
    if (scrub) {
      scrub.value = String(index);
      scrub.setAttribute("aria-valuetext", "frame " + numbers[index]);
    }
    charts.forEach(function (chart) { point(chart, nearest(chart, function (p) { return Math.abs(p[0] - numbers[index]); }), false); });
  }

  function nearest(chart, distance) {
    return JSON.parse(chart.dataset.points).reduce(function (best, p) {
      return best === null || distance(p) < distance(best) ? p : best;
    }, null);
  }
  function point(chart, p, told) {
    if (!p) return;
    const cursor = chart.querySelector(".cursor"), probe = chart.querySelector(".probe");
    cursor.setAttribute("x1", p[1]); cursor.setAttribute("x2", p[1]);
    probe.setAttribute("cx", p[1]); probe.setAttribute("cy", p[2]);
    cursor.removeAttribute("hidden"); probe.removeAttribute("hidden");
    const range = chart.closest(".metric").querySelector(".range");
    if (!range.dataset.rest) range.dataset.rest = range.textContent;
    range.textContent = told ? "frame " + p[0] + ": " + p[3] : range.dataset.rest;
  }
  charts.forEach(function (chart) {
    chart.addEventListener("pointermove", function (event) {
      const box = chart.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
      point(chart, nearest(chart, function (p) { return Math.abs(p[1] - x); }), true);
    });
    chart.addEventListener("pointerleave", function () {
      point(chart, nearest(chart, function (p) { return Math.abs(p[0] - numbers[at]); }), false);
    });
    chart.addEventListener("keydown", function (event) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const points = JSON.parse(chart.dataset.points);
      const now = Number(chart.querySelector(".cursor").getAttribute("x1") || 0);
      let here = 0;
      points.forEach(function (p, i) { if (Math.abs(p[1] - now) < Math.abs(points[here][1] - now)) here = i; });
      point(chart, points[Math.min(points.length - 1, Math.max(0, here + step))], true);
      event.preventDefault();
    });
  });

  let timer = 0;
  function stop() {
    clearInterval(timer);
    timer = 0;
    if (play) play.setAttribute("aria-pressed", "false");
  }
  if (scrub) {
    scrub.addEventListener("input", function () { stop(); show(Number(scrub.value)); });
    play.addEventListener("click", function () {
      if (timer) { stop(); return; }
      play.setAttribute("aria-pressed", "true");
      timer = setInterval(function () { show((Number(scrub.value) + 1) % numbers.length); }, 250);
    });
  }
  show(0);
})();
