import{c as n}from"./part.6MHCADFM.js";import{n as o}from"./part.QTAN4VIS.js";var r=o(null);function a(t,e={}){r.set({text:t,...e}),n(t)}export{r as a,a as b};
