import{f as e}from"./part.RASTNX7H.js";function i(t){e(()=>{document.title=t},[t])}export{i as a};
