import{g as e}from"./part.QTAN4VIS.js";function i(t){e(()=>{document.title=t},[t])}export{i as a};
